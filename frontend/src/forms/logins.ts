/** The ways to log in to a mailbox: which there are, what each asks for, and what is kept of it as a secret. */
import type { Auth, Provider } from '../api/types/mailboxes';
import { onlyErrors, required, type Errors } from './connection';
import { hasServer, type MailboxDraft } from './mailbox';

export interface Login {
  auth: Auth;
  provider: Provider | null;
  label: string;
}

export const PROVIDERS: Readonly<Record<Provider, string>> = { microsoft: 'Microsoft', google: 'Google' };

/** `providers`: where the operator has set sign-in up; elsewhere there is no button. The draft's own way always stands in the list. */
export function loginsOf(draft: MailboxDraft, providers: readonly Provider[]): Login[] {
  return LOGINS.filter(({ auth, provider }) => {
    if (auth === draft.auth && provider === draft.provider) return true;
    if (auth === 'oauth' && !providers.includes(provider ?? 'microsoft')) return false;
    return canLogIn(draft, { auth, provider });
  });
}

/** A server whose owner its name does not tell may be anybody's: a national cloud, a relay, a name of the customer's own. */
export function canLogIn(draft: MailboxDraft, { auth, provider }: Pick<Login, 'auth' | 'provider'>): boolean {
  const isNamed = hasServer(draft) && draft.preset === null && draft.host.trim() !== '';
  return (isNamed && !isMicrosofts(draft.host) && !isGoogles(draft.host)) || isFor(draft, auth, provider);
}

export function loginKey({ auth, provider }: Pick<Login, 'auth' | 'provider'>): string {
  return `${auth} ${provider ?? ''}`;
}

export const LOGINS: readonly Login[] = [
  { auth: 'oauth', provider: 'microsoft', label: 'Sign in with Microsoft' },
  { auth: 'oauth', provider: 'google', label: 'Sign in with Google' },
  { auth: 'password', provider: null, label: 'User name and password' },
  { auth: 'client_credentials', provider: 'microsoft', label: 'App registration of your own (Microsoft Entra)' },
  { auth: 'service_account', provider: 'google', label: 'Service account of your own (Google Workspace)' },
  { auth: 'none', provider: null, label: 'No password (where your operator allows it)' },
];

/** Whose mailbox this is, as far as its server tells. */
function isFor(draft: MailboxDraft, auth: Auth, provider: Provider | null): boolean {
  if (draft.kind === 'graph') return provider === 'microsoft';
  if (auth === 'password' || auth === 'none') return true;
  return provider === 'microsoft' ? isMicrosofts(draft.host) : isGoogles(draft.host);
}

function isMicrosofts(host: string): boolean {
  return /(^|\.)(office365|outlook|office)\.com$/i.test(host.trim());
}

function isGoogles(host: string): boolean {
  return /(^|\.)(gmail|googlemail|google)\.com$/i.test(host.trim());
}

/** Another way to log in has another secret. */
export function withLogin(draft: MailboxDraft, { auth, provider }: Pick<Login, 'auth' | 'provider'>): MailboxDraft {
  if (auth === draft.auth && provider === draft.provider) return draft;
  return { ...draft, auth, provider, secret: '', signIn: null, signedInAs: null };
}

/** The way stays if the mailbox can still take it, else the first that it can. */
export function withFittingLogin(draft: MailboxDraft, providers: readonly Provider[]): MailboxDraft {
  if (draft.kind === 'push') return withLogin(draft, { auth: 'none', provider: null });
  const fitting = LOGINS.filter((one) => isFor(draft, one.auth, one.provider));
  const kept = fitting.find((one) => loginKey(one) === loginKey(draft));
  const usable = fitting.find((one) => one.auth !== 'oauth' || (one.provider !== null && providers.includes(one.provider)));
  return withLogin(draft, kept ?? usable ?? { auth: 'password', provider: null });
}

/** Errors by the API's field names. `hasSecret`: a secret of this way is stored. */
export function checkLogin(draft: MailboxDraft, hasSecret: boolean): Errors {
  switch (draft.auth) {
    case 'password':
      return onlyErrors({ secret: hasSecret ? null : required(draft.secret, 'Give the password of the mailbox.') });
    case 'oauth':
      return hasSecret || draft.signIn !== null ? {} : { sign_in: `Sign in with ${PROVIDERS[draft.provider ?? 'microsoft']} first.` };
    case 'client_credentials':
      return onlyErrors({ secret: hasSecret && !hasTypedApp(draft) ? null : appError(draft) });
    case 'service_account':
      return onlyErrors({ secret: hasSecret && draft.secret === '' ? null : keyFileError(draft.secret) });
    default:
      return {};
  }
}

/** What is sent: nothing while the stored secret stays. */
export function secretBody(draft: MailboxDraft): { secret?: string; sign_in?: string } {
  if (draft.auth === 'oauth') return draft.signIn === null ? {} : { sign_in: draft.signIn };
  if (draft.auth === 'client_credentials' && hasTypedApp(draft)) {
    const [tenant, client_id, client_secret] = [draft.directory, draft.clientId, draft.secret].map((one) => one.trim());
    return { secret: JSON.stringify({ tenant, client_id, client_secret }) };
  }
  return draft.secret === '' ? {} : { secret: draft.secret };
}

function hasTypedApp({ directory, clientId, secret }: MailboxDraft): boolean {
  return `${directory}${clientId}${secret}`.trim() !== '';
}

function appError({ directory, clientId, secret }: MailboxDraft): string | null {
  const missing = [
    directory.trim() === '' && 'the directory (tenant) id',
    clientId.trim() === '' && 'the application (client) id',
    secret.trim() === '' && 'the client secret',
  ].filter((one) => one !== false);
  return missing.length === 0 ? null : `Give ${missing.join(', ')}.`;
}

function keyFileError(text: string): string | null {
  try {
    const file = JSON.parse(text) as { client_email?: unknown; private_key?: unknown } | null;
    if (typeof file?.client_email === 'string' && typeof file.private_key === 'string') return null;
  } catch {
    // Said below.
  }
  return 'Paste the whole key file of the service account: JSON with client_email and private_key.';
}
