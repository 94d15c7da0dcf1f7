/** The Jira that Mailbridge is attached to, as the HTTP API has it. Instants are seconds since 1970 UTC. */
import type { Person } from './jira';
import type { TestProblem } from './servers';

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
