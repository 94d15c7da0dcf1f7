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

/** imap, pop3 and graph are read; push: whoever has the token sends. */
export type Kind = 'imap' | 'pop3' | 'graph' | 'push';
export type Provider = 'microsoft' | 'google';
export type Auth = 'password' | 'oauth' | 'client_credentials' | 'service_account' | 'none';
/** What becomes of a message in the mailbox: marked read, or deleted or moved once the ledger says handled. */
export type Strategy = 'read' | 'delete' | 'move';
/** Which of the mail that is already there is taken. */
export type Backlog = 'all' | 'since' | 'new' | 'unread';

/** What *Test connection*, the preview and saving send alike. */
export interface ConnectionBody {
  kind: Kind;
  auth: Auth;
  provider: Provider | null;
  preset: string | null;
  host: string;
  port: number;
  security: Security;
  username: string;
  /** Left out when the stored one stays. */
  secret?: string;
  /** The state of a sign-in that is done and not used yet. */
  sign_in?: string;
  folder: string;
  validate_certificate: boolean;
  check_identity: boolean;
  /** Seconds; null: the usual 30. */
  timeout: number | null;
  strategy: Strategy;
  move_to: string | null;
}

interface Settings {
  name: string;
  kind: Kind;
  auth: Auth;
  provider: Provider | null;
  preset: string | null;
  host: string;
  port: number;
  security: Security;
  username: string;
  folder: string;
  address: string;
  /** Every address that people write to, `address` first. */
  addresses: string[];
  validate_certificate: boolean;
  check_identity: boolean;
  timeout: number | null;
  strategy: Strategy;
  move_to: string | null;
  unnamed: 'take' | 'ignore';
  /** Null: as the operator set it. */
  max_bytes: number | null;
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

export interface PresetServer {
  host: string;
  port: number;
  security: Security;
}

export interface Preset {
  id: string;
  name: string;
  imap: PresetServer | null;
  pop3: PresetServer | null;
  username: 'address' | 'local';
  /** Ways to log in, best first. */
  auth: ('oauth' | 'password' | 'app_password')[];
  provider: Provider | null;
  authserv_id: string | null;
  remedy: string;
}

export interface Presets {
  presets: Preset[];
  suggested: string | null;
  /** Why a mailbox with this address cannot be read. */
  refused: string | null;
  /** The addresses that a mail server must let in. */
  egress: string[];
  /** Where people can sign in. */
  providers: Provider[];
}

/** What is in a folder before anything is done with it. */
export interface Preview {
  total: number;
  unread: number | null;
  oldest_at: number | null;
  would: string[];
  choices: Backlog[];
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

export interface KeepingBody {
  /** For which a mail's content, sender and subject are kept. */
  days: number;
  /** False: content is kept only until the mail is handled. */
  content: boolean;
}

export interface Keeping extends KeepingBody {
  default_days: number;
  /** What does not work without content. */
  stops: string[];
}

export interface Erasure {
  id: string;
  asked_by: string;
  asked_at: number;
  done_at: number | null;
  counts: Record<string, number> | null;
}

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
