/** What the mailbox form sends: to try a connection, to look at what is there, and to save. */
import type { ConnectionBody, MailboxBody } from '../api/types/mailboxes';
import { secretBody } from './logins';
import { addressesIn } from './connection';
import { hasFolders, hasServer, moveError, type MailboxDraft } from './mailbox';
import { instantOf } from './site';

const MB = 1024 * 1024;

/** Two drafts with the same account have passed the same login. */
export function accountOf(draft: MailboxDraft): string {
  const { kind, auth, provider, host, port, security, username, validateCertificate, checkIdentity } = draft;
  const { directory, clientId, secret, signIn } = draft;
  const server = hasServer(draft) ? [host, port, security, validateCertificate, checkIdentity] : [];
  return JSON.stringify([kind, auth, provider, username, directory, clientId, secret, signIn, ...server]);
}

/** Two drafts that do the same to the same folder of the same account. */
export function placeOf(draft: MailboxDraft): string {
  return JSON.stringify([accountOf(draft), draft.folder, draft.strategy, draft.strategy === 'move' ? draft.moveTo : '']);
}

/**
 * What a test and a look at what is there send; `id` of a stored mailbox lets its stored secret be used. A folder to move to that is not
 * chosen yet keeps nobody from testing: the test is what tells the folders.
 */
export function connectionBody(draft: MailboxDraft, id: string | null): ConnectionBody & { id?: string } {
  const sent: MailboxDraft = moveError(draft) === null ? draft : { ...draft, strategy: 'read' };
  return { ...(id === null ? {} : { id }), ...connection(sent) };
}

/** What is saved. `isFresh`: what is there is looked at anew, so the choice about it counts. Only for a draft without errors. */
export function mailboxBody(draft: MailboxDraft, isFresh: boolean): MailboxBody {
  if (draft.project === null || draft.issueType === null) throw new Error('A mailbox needs a project and an issue type.');
  const address = draft.address.trim();
  return {
    name: draft.name.trim(),
    ...connection(draft),
    address,
    addresses: [address, ...addressesIn(draft.moreAddresses).filter((one) => one !== address)],
    unnamed: draft.unnamed,
    max_bytes: draft.maxMegabytes.trim() === '' ? null : Math.round(Number(draft.maxMegabytes) * MB),
    answer_oversized: draft.answerOversized,
    authserv_id: draft.authservId.trim() || null,
    sub_addresses: draft.subAddresses,
    secret_expires_at: draft.auth === 'client_credentials' ? instantOf(draft.secretExpires) : null,
    project: { id: draft.project.id, key: draft.project.key, name: draft.project.name },
    issue_type: { id: draft.issueType.id, name: draft.issueType.name },
    default_reporter: draft.defaultReporter,
    enabled: draft.enabled,
    ...(isFresh && draft.kind !== 'push' ? backlogOf(draft) : {}),
  };
}

function connection(draft: MailboxDraft): ConnectionBody {
  return {
    kind: draft.kind,
    auth: draft.auth,
    provider: draft.provider,
    preset: draft.preset,
    ...serverOf(draft),
    username: draft.kind === 'push' ? draft.username.trim() || draft.address.trim() : draft.username.trim(),
    ...secretBody(draft),
    folder: draft.folder.trim() || 'INBOX',
    validate_certificate: draft.validateCertificate,
    check_identity: draft.checkIdentity,
    timeout: draft.timeout.trim() === '' ? null : Number(draft.timeout),
    strategy: draft.strategy,
    move_to: moveTo(draft),
  };
}

function serverOf(draft: MailboxDraft): Pick<ConnectionBody, 'host' | 'port' | 'security'> {
  if (hasServer(draft)) return { host: draft.host.trim(), port: Number(draft.port), security: draft.security };
  return { host: draft.kind === 'graph' ? 'graph.microsoft.com' : 'localhost', port: 443, security: 'tls' };
}

function moveTo(draft: MailboxDraft): string | null {
  return hasFolders(draft) && draft.strategy === 'move' ? draft.moveTo.trim() : null;
}

function backlogOf({ backlog, since }: MailboxDraft): Pick<MailboxBody, 'backlog' | 'since'> {
  const instant = instantOf(since);
  return backlog === 'since' && instant !== null ? { backlog, since: instant } : { backlog };
}
