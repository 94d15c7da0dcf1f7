/** Mails of the ledger, as the HTTP API has them. Instants are seconds since 1970 UTC. */

export type MailState = 'received' | 'delivering' | 'handled' | 'ignored' | 'held' | 'failed';

export interface Mail {
  id: string;
  mailbox_id: string;
  received_at: number;
  from: string | null;
  subject: string | null;
  state: MailState;
  outcome: 'issue' | 'comment' | 'none' | null;
  reason: string | null;
  issue_key: string | null;
  comment_id: string | null;
  attempts: number;
}

export interface Step {
  kind: string;
  state: string;
  at: number | null;
  detail: unknown;
}

export interface MailDetail extends Mail {
  explanation: string[];
  steps: Step[];
  size: number;
}

export interface MailPage {
  mails: Mail[];
  next: string | number | null;
}
