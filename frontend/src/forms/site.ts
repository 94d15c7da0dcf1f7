/** The form that attaches a Jira by an API token, without its looks: what is typed, what is wrong with it, what is sent. */
import type { SiteBody } from '../api/types/site';
import { isAddress, onlyErrors, required, type Errors } from './connection';

export interface SiteDraft {
  url: string;
  email: string;
  apiToken: string;
  /** `2027-01-31` as a date field has it; empty: not told. */
  expires: string;
  /** The attached site has a new address. */
  isRenamed: boolean;
}

/** The API's names of the fields that the form shows. */
export const SITE_FIELDS: readonly string[] = ['url', 'email', 'api_token', 'token_expires_at'];

export const BLANK_SITE: SiteDraft = { url: '', email: '', apiToken: '', expires: '', isRenamed: false };

/** The site alone, however it was pasted: an address of some page in Jira, or a name without https://. */
export function siteAddressIn(text: string): string | null {
  const typed = text.trim();
  if (typed === '' || /\s/.test(typed)) return null;
  try {
    const { protocol, host, username } = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`);
    return /^https?:$/.test(protocol) && host !== '' && username === '' ? `${protocol}//${host}` : null;
  } catch {
    return null;
  }
}

/** Errors by the API's field names. */
export function checkSiteDraft(draft: SiteDraft, today: Date): Errors {
  return onlyErrors({
    url: siteAddressIn(draft.url) === null ? 'Give the address of your Jira, such as https://example.atlassian.net.' : null,
    email: isAddress(draft.email) ? null : 'Give the e-mail address of the Atlassian account.',
    api_token: required(draft.apiToken, 'Paste the API token of this account.'),
    token_expires_at: expiryError(draft.expires, today),
  });
}

/** Whether the draft names another address than the attached one: a renamed site, or a mistake. */
export function isElsewhere(draft: SiteDraft, attached: string | null | undefined): boolean {
  const address = siteAddressIn(draft.url);
  return Boolean(attached) && address !== null && address !== siteAddressIn(attached ?? '');
}

/** What is checked. */
export function accessBody(draft: SiteDraft): Pick<SiteBody, 'url' | 'email' | 'api_token'> {
  return { url: siteAddressIn(draft.url) ?? draft.url.trim(), email: draft.email.trim(), api_token: draft.apiToken.trim() };
}

/** What is kept. Only for a draft without errors. */
export function siteBody(draft: SiteDraft): SiteBody {
  return { ...accessBody(draft), token_expires_at: instantOf(draft.expires), ...(draft.isRenamed ? { renamed: true } : {}) };
}

/** Two drafts that ask Jira the same have passed the same check. */
export function accessOf(draft: SiteDraft): string {
  return JSON.stringify(accessBody(draft));
}

export function expiryError(expires: string, today: Date): string | null {
  if (expires === '') return null;
  const at = instantOf(expires);
  if (at === null) return 'Give the day on which the token expires.';
  return at * 1000 < today.getTime() ? 'This token has expired: create a new one.' : null;
}

/** The beginning of the day in UTC, in seconds: Atlassian ends a token sometime on its last day, so it is counted as ended then. */
export function instantOf(day: string): number | null {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? null : at / 1000;
}

export function dayOf(instant: number | null): string {
  return instant === null ? '' : new Date(instant * 1000).toISOString().slice(0, 10);
}
