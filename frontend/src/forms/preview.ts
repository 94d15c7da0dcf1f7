/** Mail that is already in a folder: what is said of it before a mailbox is saved, and what a person may choose. */
import type { Backlog, Preview } from '../api/types/mailboxes';
import { accountOf, connectionBody, placeOf } from './mailboxBody';
import type { MailboxDraft } from './mailbox';
import { instantOf } from './site';

/** What a form knows beside its draft. */
export interface Known {
  /** The account whose login was seen to work, and the place that was looked at; see `mailboxBody.ts`. */
  tested: string | null;
  looked: string | null;
  /** The place as it is stored, null for a new mailbox. */
  stored: string | null;
  /** The person was told that it is untested. */
  isAsked: boolean;
}

/** What saving needs first: a question about an untested connection, once; a look at what is there; or nothing. */
export function nextStep(draft: MailboxDraft, { tested, looked, stored, isAsked }: Known): 'ask' | 'look' | 'save' {
  if (draft.kind === 'push') return 'save';
  const place = placeOf(draft);
  if (place === stored || place === looked) return 'save';
  if (tested !== accountOf(draft)) return isAsked ? 'save' : 'ask';
  return 'look';
}

/** What is chosen stays if this place offers it. */
export function withChoice(draft: MailboxDraft, { choices }: Preview): MailboxDraft {
  return choices.includes(draft.backlog) ? draft : { ...draft, backlog: 'new' };
}

/** What to ask about the chosen day, '' as long as there is none to ask about: two drafts with the same question have the same answer. */
export function dayQuestion(draft: MailboxDraft, id: string | null, preview: Preview | null): string {
  const since = preview !== null && preview.total > 0 && draft.backlog === 'since' ? instantOf(draft.since) : null;
  return since === null || since < 0 ? '' : JSON.stringify({ ...connectionBody(draft, id), since });
}

export function choicesOf({ choices, total, unread, meanwhile }: Preview): { value: Backlog; label: string }[] {
  const labels: Record<Backlog, string> = {
    all: `Process all ${total.toLocaleString()}`,
    since: 'Process those since a day',
    unread: unread === null ? 'Process those that are unread' : `Process the ${unread.toLocaleString()} unread`,
    new: meanwhile && meanwhile.count !== 0 ? 'Only new mail, with what came since it was read' : 'Only new mail, from now on',
  };
  return choices.filter((choice) => choice in labels).map((value) => ({ value, label: labels[value] }));
}
