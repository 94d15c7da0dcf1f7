/** The values of the HTTP API, as docs/architecture.md names them. Instants are seconds since 1970 UTC. */

export type Security = 'tls' | 'starttls' | 'none';

export interface Project {
  id: string;
  key: string;
  name: string;
}

export interface IssueType {
  id: string;
  name: string;
  subtask?: boolean;
}

export interface Person {
  account_id: string;
  name: string;
}

export type MailboxState = 'new' | 'connected' | 'trouble' | 'disabled';

export interface Mailbox {
  id: string;
  name: string;
  kind: 'imap';
  host: string;
  port: number;
  security: Security;
  username: string;
  has_secret: boolean;
  folder: string;
  address: string;
  validate_certificate: boolean;
  authserv_id: string | null;
  sub_addresses: boolean;
  project: Project;
  issue_type: IssueType;
  default_reporter: Person | null;
  enabled: boolean;
  state: MailboxState;
  last_error: string | null;
  checked_at: number | null;
  counts: Partial<Record<MailState, number>>;
}

export interface MailboxBody {
  name: string;
  kind: 'imap';
  host: string;
  port: number;
  security: Security;
  username: string;
  /** Left out when the stored one stays. */
  secret?: string;
  folder: string;
  address: string;
  validate_certificate: boolean;
  authserv_id: string | null;
  sub_addresses: boolean;
  project: Project;
  issue_type: { id: string; name: string };
  default_reporter: Person | null;
  enabled: boolean;
  /** On creation only. */
  backlog?: Backlog;
}

export type Backlog = 'unread' | 'none';

export interface TestProblem {
  title: string;
  detail: string | null;
  remedy: string | null;
  field: string | null;
}

export interface TestResult {
  ok: boolean;
  findings: string[];
  problem: TestProblem | null;
  folders?: string[];
}

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

export interface Sender {
  host: string;
  port: number;
  security: Security;
  username: string;
  has_secret: boolean;
  from_name: string;
  from_address: string;
  window_seconds: number;
  validate_certificate: boolean;
  state: string;
  last_error: string | null;
}

export interface SenderBody {
  host: string;
  port: number;
  security: Security;
  username: string;
  secret?: string;
  from_name: string;
  from_address: string;
  window_seconds: number;
  validate_certificate: boolean;
}

export type DeliveryState = 'pending' | 'sending' | 'sent' | 'skipped' | 'failed' | 'bounced';

export interface Delivery {
  id: string;
  created_at: number;
  issue_key: string | null;
  recipient: string;
  /** notify: an account whose address nobody tells; Jira itself sends the mail. */
  kind: 'account' | 'address' | 'notify';
  event: string | null;
  state: DeliveryState;
  reason: string | null;
  sent_at: number | null;
  error: string | null;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  next: string | number | null;
}

/** How a tenant's Jira is attached. */
export type Scheme = 'connect' | 'forge' | 'token';

export interface Right {
  /** Jira's name of a permission, such as BROWSE_PROJECTS. */
  right: string;
  /** What stops working without it. */
  for: string;
  /** Null: Jira did not say. */
  ok: boolean | null;
  /** `global`, or a project's key. */
  where: string;
  remedy: string | null;
}

export interface Scope {
  name: string;
  granted: boolean | null;
  why: string;
  remedy: string | null;
}

export interface Webhook {
  url: string;
  secret: string;
  events: string[];
  jql: string;
  heard_at: number | null;
}

export interface SiteEvents {
  way: 'webhook' | 'forge' | 'polling';
  heard_at: number | null;
  polled_at: number | null;
  /** Seconds between two looks. */
  every: number | null;
  /** Why the last look failed. */
  problem?: string | null;
}

export interface Site {
  /** Null or empty while no Jira is attached; so is `site`. */
  scheme: Scheme | null;
  site: string | null;
  /** new, installed, enabled, disabled, silent, trouble */
  state: string;
  /** What is wrong with it now. */
  problem?: TestProblem | null;
  /** What will need attention soon. */
  notice?: string | null;
  account: Person | null;
  /** Of the account whose API token is used. */
  email?: string | null;
  token_expires_at: number | null;
  rights: Right[];
  scopes: Scope[];
  events: SiteEvents | null;
  webhook: Webhook | null;
  email_api: { state: 'works' | 'refused' | 'unknown'; checked_at: number | null } | null;
}

export interface SiteBody {
  url: string;
  email: string;
  api_token: string;
  token_expires_at: number | null;
  /** The attached site has a new address, and this is it. */
  renamed?: boolean;
}

export interface SiteCheck {
  ok: boolean;
  account: Person | null;
  rights: Right[];
  problem: TestProblem | null;
}

export interface LookupUser {
  email: string;
  account: Person | null;
  token_expires_at: number | null;
  problem: string | null;
  checked_at: number | null;
}

export interface LookupUserBody {
  email: string;
  api_token?: string;
  token_expires_at: number | null;
}

export interface Finding {
  what: string;
  ok: boolean | null;
  detail: string | null;
  remedy: string | null;
}
