/** How states and outcomes of mail are called on the page, in or out. */
import type { Mailbox, MailboxState } from '../api/types/mailboxes';
import type { Mail, MailState } from '../api/types/mails';
import type { DeliveryState } from '../api/types/outgoing';

export type Appearance = 'success' | 'warning' | 'danger' | 'information' | 'neutral' | 'discovery';

export interface Word {
  label: string;
  appearance: Appearance;
}

export const MAIL_STATES: Readonly<Record<MailState, Word>> = {
  received: { label: 'Waiting', appearance: 'information' },
  delivering: { label: 'In progress', appearance: 'information' },
  handled: { label: 'Handled', appearance: 'success' },
  ignored: { label: 'Ignored', appearance: 'neutral' },
  held: { label: 'Held', appearance: 'warning' },
  failed: { label: 'Failed', appearance: 'danger' },
};

export const MAILBOX_STATES: Readonly<Record<MailboxState, Word>> = {
  new: { label: 'Connecting', appearance: 'information' },
  connected: { label: 'Connected', appearance: 'success' },
  trouble: { label: 'Trouble', appearance: 'danger' },
  disabled: { label: 'Switched off', appearance: 'neutral' },
};

/** A mailbox whose sign-in is over is no trouble of its server's. */
export function stateOf({ state, grant_state, enabled }: Pick<Mailbox, 'state' | 'grant_state' | 'enabled'>): Word {
  if (enabled && grant_state === 'reconnect') return { label: 'Reconnect needed', appearance: 'danger' };
  return wordFor(MAILBOX_STATES, state);
}

/** Where mail comes from, in a few words. */
export function placeInWords({ kind, folder, host, port, username }: Pick<Mailbox, 'kind' | 'folder' | 'host' | 'port' | 'username'>): string {
  if (kind === 'push') return 'What is pushed';
  if (kind === 'graph') return `${folder} of ${username} in Microsoft 365`;
  return kind === 'pop3' ? `${host}:${port} by POP3` : `${folder} on ${host}:${port}`;
}

export const SENDER_STATES: Readonly<Record<string, Word>> = {
  new: { label: 'Not used yet', appearance: 'information' },
  connected: { label: 'Working', appearance: 'success' },
  trouble: { label: 'Trouble', appearance: 'danger' },
};

export const DELIVERY_STATES: Readonly<Record<DeliveryState, Word>> = {
  pending: { label: 'Waiting', appearance: 'information' },
  sending: { label: 'Sending', appearance: 'information' },
  sent: { label: 'Sent', appearance: 'success' },
  skipped: { label: 'Not sent', appearance: 'neutral' },
  failed: { label: 'Failed', appearance: 'danger' },
  bounced: { label: 'Bounced', appearance: 'danger' },
};

/** A state this page does not know (a newer server) is shown as it is. */
export function wordFor<S extends string>(words: Readonly<Record<S, Word>>, state: string): Word {
  return (words as Readonly<Record<string, Word>>)[state] ?? { label: state, appearance: 'neutral' };
}

/** What a mail became, as one word. */
export function outcomeOf(mail: Pick<Mail, 'state' | 'outcome'>): Word {
  if (mail.state === 'handled' && mail.outcome === 'issue') return { label: 'New issue', appearance: 'success' };
  if (mail.state === 'handled' && mail.outcome === 'comment') return { label: 'Comment', appearance: 'success' };
  return wordFor(MAIL_STATES, mail.state);
}

/** Why a mail became what it became, in one line; the panel has the whole explanation. */
export function whyOf(mail: Pick<Mail, 'state' | 'outcome' | 'reason'>): string {
  if (mail.reason) return mail.reason;
  if (mail.state !== 'handled') return '';
  return mail.outcome === 'comment' ? 'It belongs to an issue that exists.' : 'It answers no mail of an issue.';
}

/** What somebody had read before the mailbox was connected is left alone, until a person wants it. */
export function canProcessAnyway({ state, reason }: Pick<Mail, 'state' | 'reason'>): boolean {
  return state === 'ignored' && /^read elsewhere\b/i.test(reason ?? '');
}

/** Retrying is offered where the mail waits for a person. */
export function canRetry(state: string): boolean {
  return state === 'held' || state === 'failed';
}
