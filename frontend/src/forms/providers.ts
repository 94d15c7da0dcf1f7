/** What follows from what in the mailbox form: the server from the provider, the provider from the address, ports from the kind. */
import type { Kind, Provider } from '../api/types/mailboxes';
import type { Preset, Presets, PresetServer } from '../api/types/presets';
import type { Security } from '../api/types/servers';
import { IMAP_PORTS, isAddress, POP3_PORTS, portAfter } from './connection';
import { canLogIn, withFittingLogin, withLogin } from './logins';
import { hasServer, type MailboxDraft } from './mailbox';

export const NO_PRESETS: Presets = { presets: [], suggested: null, refused: null, egress: [], providers: [] };

/** Most accounts are named by their address: user name and name follow the address until they are typed themselves. */
export function withAddress(draft: MailboxDraft, address: string): MailboxDraft {
  const follow = (value: string) => (value === '' || value === draft.address ? address : value);
  return { ...draft, address, isAddressTyped: address !== '', username: follow(draft.username), name: follow(draft.name) };
}

/** The other way round, while nobody has typed an address. */
export function withUsername(draft: MailboxDraft, username: string): MailboxDraft {
  if (draft.isAddressTyped) return { ...draft, username };
  const guess = (value: string) => (value === '' || value === draft.username ? (isAddress(username) ? username : '') : value);
  return { ...draft, username, address: guess(draft.address), name: guess(draft.name) };
}

export function withSecurity(draft: MailboxDraft, security: Security): MailboxDraft {
  return { ...draft, security, port: portAfter(portsOf(draft.kind), draft.port, draft.security, security) };
}

/** Another kind has another server at the same provider, and its usual port anywhere else. */
export function withKind(draft: MailboxDraft, kind: Kind, { presets, providers }: Presets): MailboxDraft {
  const untouched = draft.port.trim() === '' || Number(draft.port) === portsOf(draft.kind)[draft.security];
  const port = untouched ? String(portsOf(kind)[draft.security]) : draft.port;
  // Who pushes logs in to nothing; what is read needs a login again.
  const left = draft.kind === 'push' ? withLogin(draft, { auth: 'password', provider: null }) : draft;
  const strategy = kind === 'pop3' && draft.strategy === 'move' ? 'read' : draft.strategy;
  const changed = { ...left, kind, port, strategy, folder: kind === 'pop3' || draft.folder === '' ? 'INBOX' : draft.folder };
  const preset = presets.find(({ id }) => id === draft.preset) ?? null;
  const server = preset && serverOf(preset, kind);
  const served = server ? { ...changed, ...server } : hasServer(changed) ? { ...changed, preset: null } : changed;
  return withFittingLogin(served, providers);
}

/** The provider's server, way to log in and name in Authentication-Results; null: a server of one's own, whose fields stay. */
export function withPreset(draft: MailboxDraft, preset: Preset | null, providers: readonly Provider[]): MailboxDraft {
  if (preset === null) return withFittingLogin({ ...draft, preset: null }, providers);
  const kind = hasServer(draft) && serverOf(preset, draft.kind) === null ? 'imap' : draft.kind;
  const filled = {
    ...draft,
    kind,
    preset: preset.id,
    ...serverOf(preset, kind),
    username: usernameFor(draft, preset),
    authservId: preset.authserv_id ?? '',
  };
  return withLogin(filled, loginFor(preset, providers, filled));
}

/** What was typed is not of the provider any more. */
export function withHost(draft: MailboxDraft, host: string, providers: readonly Provider[]): MailboxDraft {
  const changed = { ...draft, host, preset: null };
  // A way that was chosen for a server of one's own stays while its name is typed.
  return draft.preset === null && canLogIn(changed, draft) ? changed : withFittingLogin(changed, providers);
}

/** A provider is suggested as long as nobody has chosen a server: what was typed is never written over. */
export function withSuggestion(draft: MailboxDraft, { presets, suggested, providers }: Presets, before: string | null): MailboxDraft {
  const preset = presets.find(({ id }) => id === suggested) ?? null;
  const isFree = draft.host.trim() === '' || (draft.preset !== null && draft.preset === before);
  if (!isFree || draft.kind === 'push' || preset === null || preset.id === draft.preset) return draft;
  return withPreset(draft, preset, providers);
}

function loginFor(preset: Preset, providers: readonly Provider[], draft: MailboxDraft): Pick<MailboxDraft, 'auth' | 'provider'> {
  const { provider } = preset;
  if (preset.auth.includes('oauth') && provider !== null && providers.includes(provider)) return { auth: 'oauth', provider };
  const takesPassword = preset.auth.some((way) => way !== 'oauth');
  if (takesPassword && draft.kind !== 'graph') return { auth: 'password', provider: null };
  return provider === 'google' ? { auth: 'service_account', provider } : { auth: 'client_credentials', provider: 'microsoft' };
}

function usernameFor({ address, username }: MailboxDraft, preset: Preset): string {
  const local = address.slice(0, Math.max(0, address.lastIndexOf('@')));
  const isGuess = username === '' || username === address || username === local;
  if (!isGuess) return username;
  return preset.username === 'local' ? local : address;
}

function serverOf(preset: Preset, kind: Kind): { host: string; port: string; security: Security } | null {
  const server: PresetServer | null = kind === 'imap' ? preset.imap : kind === 'pop3' ? preset.pop3 : null;
  return server && { host: server.host, port: String(server.port), security: server.security };
}

export function portsOf(kind: Kind): Readonly<Record<Security, number>> {
  return kind === 'pop3' ? POP3_PORTS : IMAP_PORTS;
}
