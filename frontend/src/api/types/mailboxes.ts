/** Mailboxes, and how they are looked at and let in, as the HTTP API has them. Instants are seconds since 1970 UTC. */
import type { IssueType, Person, Project } from './jira';
import type { MailState } from './mails';
import type { Security } from './servers';

export type MailboxState = 'new' | 'connected' | 'trouble' | 'disabled';
/** imap, pop3 and graph are read; push: whoever has the token sends. */
export type Kind = 'imap' | 'pop3' | 'graph' | 'push';
export type Provider = 'microsoft' | 'google';
export type Auth = 'password' | 'oauth' | 'client_credentials' | 'service_account' | 'none';
/** What becomes of a message in the mailbox: marked read, or deleted or moved once the ledger says handled. */
export type Strategy = 'read' | 'delete' | 'move';
/** Which of the mail that is already there is taken. */
export type Backlog = 'all' | 'since' | 'new' | 'unread';

/** Where a mailbox is read, as whom, and what becomes of what was read. */
interface Reading {
  kind: Kind;
  auth: Auth;
  provider: Provider | null;
  preset: string | null;
  host: string;
  port: number;
  security: Security;
  username: string;
  folder: string;
  validate_certificate: boolean;
  check_identity: boolean;
  /** Seconds; null: the usual 30. */
  timeout: number | null;
  strategy: Strategy;
  move_to: string | null;
}

/** What *Test connection*, the preview and saving send alike. */
export interface ConnectionBody extends Reading {
  /** Left out when the stored one stays. */
  secret?: string;
  /** The state of a sign-in that is done and not used yet. */
  sign_in?: string;
}

interface Settings extends Reading {
  name: string;
  address: string;
  /** Every address that people write to, `address` first. */
  addresses: string[];
  unnamed: 'take' | 'ignore';
  /** Null: as the operator set it. */
  max_bytes: number | null;
  /** Who sends a larger mail is told so by mail. */
  answer_oversized: boolean;
  authserv_id: string | null;
  sub_addresses: boolean;
  secret_expires_at: number | null;
  project: Project;
  default_reporter: Person | null;
  enabled: boolean;
}

export interface Mailbox extends Settings {
  id: string;
  has_secret: boolean;
  issue_type: IssueType;
  /** reconnect: somebody has to sign in again; expiring: its secret ends soon. */
  grant_state: 'good' | 'reconnect' | 'expiring' | null;
  state: MailboxState;
  last_error: string | null;
  checked_at: number | null;
  /** What the last comparison with the ledger found. */
  reconciled?: Reconciliation | null;
  counts: Partial<Record<MailState, number>>;
}

export interface MailboxBody extends ConnectionBody, Settings {
  issue_type: { id: string; name: string };
  backlog?: Backlog;
  /** With the backlog `since`: seconds since 1970. */
  since?: number;
}

/** What is in a folder before anything is done with it. */
export interface Preview {
  total: number;
  unread: number | null;
  oldest_at: number | null;
  would: string[];
  choices: Backlog[];
  /** How many arrived since the day that was asked about; null unless one was. */
  since?: Counted | null;
  /** Of a folder that was read before: what came since, which is taken whatever is chosen. */
  meanwhile?: Counted | null;
}

/** How many messages, in a sentence; count is null where the server does not tell. */
export interface Counted {
  count: number | null;
  exact: boolean;
  would: string;
}

export interface Reconciliation {
  seen: number;
  accounted: number;
  unaccounted: number;
  at: number;
  /** The ids of the first hundred. */
  missing: string[];
}

/** pipe: a mail server of one's own; else the service whose webhook it is. */
export type PushWay = 'pipe' | 'ses' | 'mailgun' | 'sendgrid' | 'postmark';

export interface PushToken {
  token: string;
  url: string;
  commands: string[];
}

export interface SignInStatus {
  done: boolean;
  account: string | null;
  problem: string | null;
}
