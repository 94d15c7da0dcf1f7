/** The form of the look-up user without its looks. */
import type { LookupUser, LookupUserBody } from '../api/types/lookup';
import { isAddress, onlyErrors, type Errors } from './connection';
import { dayOf, expiryError, instantOf } from './site';

export interface LookupDraft {
  email: string;
  /** Empty: the stored token stays. */
  apiToken: string;
  expires: string;
}

export const LOOKUP_FIELDS: readonly string[] = ['email', 'api_token', 'token_expires_at'];

export function draftOfLookup(user: LookupUser | null): LookupDraft {
  return { email: user?.email ?? '', apiToken: '', expires: dayOf(user?.token_expires_at ?? null) };
}

/** Errors by the API's field names. `stored`: the user that is there; another account needs a token of its own. */
export function checkLookup(draft: LookupDraft, stored: LookupUser | null, today: Date): Errors {
  const isSame = stored !== null && stored.email.toLowerCase() === draft.email.trim().toLowerCase();
  const lacksToken = draft.apiToken.trim() === '' && !isSame;
  return onlyErrors({
    email: isAddress(draft.email) ? null : 'Give the e-mail address of the Atlassian account.',
    api_token: lacksToken ? 'Paste an API token of this account.' : null,
    token_expires_at: draft.apiToken.trim() === '' ? null : expiryError(draft.expires, today),
  });
}

export function lookupBody(draft: LookupDraft): LookupUserBody {
  const token = draft.apiToken.trim();
  return { email: draft.email.trim(), ...(token === '' ? {} : { api_token: token }), token_expires_at: instantOf(draft.expires) };
}
