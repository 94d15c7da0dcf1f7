/** The look-up user, as the HTTP API has it. Instants are seconds since 1970 UTC. */
import type { Person } from './jira';

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
