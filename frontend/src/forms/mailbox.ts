/** The mailbox form without its looks: what is typed, and what is wrong with it. */
import type { IssueType, Person, Project } from '../api/types/jira';
import type { Auth, Backlog, Kind, Mailbox, Provider, Strategy } from '../api/types/mailboxes';
import type { Security } from '../api/types/servers';
import { addressesIn, hostError, IMAP_PORTS, isAddress, onlyErrors, portError, required, type Errors } from './connection';
import { checkLogin } from './logins';
import { dayOf } from './site';

export interface MailboxDraft {
  kind: Kind;
  auth: Auth;
  provider: Provider | null;
  /** The id of the provider's preset, null for a server of one's own. */
  preset: string | null;
  name: string;
  host: string;
  port: string;
  security: Security;
  username: string;
  /** Empty while editing: the stored password stays. */
  secret: string;
  /** Of an app registration at Microsoft; the client's secret stands in `secret`. */
  directory: string;
  clientId: string;
  /** `2027-01-31`, when the client's secret ends; empty: not told. */
  secretExpires: string;
  /** The state of a sign-in that is done, and who signed in. */
  signIn: string | null;
  signedInAs: string | null;
  folder: string;
  address: string;
  /** By a person: it stays then, whatever the user name is. */
  isAddressTyped: boolean;
  /** Further addresses, one a line. */
  moreAddresses: string;
  validateCertificate: boolean;
  checkIdentity: boolean;
  /** Seconds, and MB; empty: the usual. */
  timeout: string;
  maxMegabytes: string;
  answerOversized: boolean;
  strategy: Strategy;
  moveTo: string;
  unnamed: 'take' | 'ignore';
  authservId: string;
  subAddresses: boolean;
  project: Project | null;
  issueType: Pick<IssueType, 'id' | 'name'> | null;
  defaultReporter: Person | null;
  backlog: Backlog;
  /** `2026-06-03`, for the backlog `since`. */
  since: string;
  enabled: boolean;
}

/** The API's names of the fields that the form shows. */
export const MAILBOX_FIELDS: readonly string[] = [
  'kind',
  'preset',
  'auth',
  'name',
  'host',
  'port',
  'security',
  'username',
  'secret',
  'sign_in',
  'folder',
  'strategy',
  'move_to',
  'address',
  'addresses',
  'timeout',
  'max_bytes',
  'answer_oversized',
  'authserv_id',
  'project',
  'issue_type',
  'default_reporter',
  'backlog',
  'since',
];

/** Fields of the folded part of the form: it opens when one of them is wrong. */
export const ADVANCED_FIELDS: readonly string[] = ['addresses', 'timeout', 'max_bytes', 'answer_oversized', 'authserv_id', 'sub_addresses'];

const LONGEST_TIMEOUT = 600;
const LEAST_MEGABYTES = 0.01;
const MOST_MEGABYTES = 900;
const MB = 1024 * 1024;

export function blankMailbox(): MailboxDraft {
  return {
    kind: 'imap',
    auth: 'password',
    provider: null,
    preset: null,
    name: '',
    host: '',
    port: String(IMAP_PORTS.tls),
    security: 'tls',
    username: '',
    secret: '',
    directory: '',
    clientId: '',
    secretExpires: '',
    signIn: null,
    signedInAs: null,
    folder: 'INBOX',
    address: '',
    isAddressTyped: false,
    moreAddresses: '',
    validateCertificate: true,
    checkIdentity: true,
    timeout: '',
    maxMegabytes: '',
    answerOversized: false,
    strategy: 'read',
    moveTo: '',
    unnamed: 'take',
    authservId: '',
    subAddresses: false,
    project: null,
    issueType: null,
    defaultReporter: null,
    backlog: 'new',
    since: '',
    enabled: true,
  };
}

export function draftOfMailbox(mailbox: Mailbox): MailboxDraft {
  return {
    ...blankMailbox(),
    kind: mailbox.kind,
    auth: mailbox.auth,
    provider: mailbox.provider ?? null,
    preset: mailbox.preset ?? null,
    name: mailbox.name,
    host: mailbox.host,
    port: String(mailbox.port),
    security: mailbox.security,
    username: mailbox.username,
    secretExpires: dayOf(mailbox.secret_expires_at ?? null),
    folder: mailbox.folder,
    address: mailbox.address,
    isAddressTyped: true,
    moreAddresses: mailbox.addresses.filter((one) => one !== mailbox.address).join('\n'),
    validateCertificate: mailbox.validate_certificate,
    checkIdentity: mailbox.check_identity,
    timeout: mailbox.timeout === null ? '' : String(mailbox.timeout),
    maxMegabytes: mailbox.max_bytes === null ? '' : String(mailbox.max_bytes / MB),
    answerOversized: mailbox.answer_oversized,
    strategy: mailbox.strategy,
    moveTo: mailbox.move_to ?? '',
    unnamed: mailbox.unnamed,
    authservId: mailbox.authserv_id ?? '',
    subAddresses: mailbox.sub_addresses,
    project: mailbox.project,
    issueType: mailbox.issue_type,
    defaultReporter: mailbox.default_reporter,
    enabled: mailbox.enabled,
  };
}

/** Another project has other issue types. */
export function withProject(draft: MailboxDraft, project: Project | null): MailboxDraft {
  return { ...draft, project, issueType: project?.id === draft.project?.id ? draft.issueType : null };
}

/** A server with a name, a port and an encryption; the others are the provider's own, or nobody's. */
export function hasServer({ kind }: Pick<MailboxDraft, 'kind'>): boolean {
  return kind === 'imap' || kind === 'pop3';
}

/** POP3 knows one place only, and pushed mail none. */
export function hasFolders({ kind }: Pick<MailboxDraft, 'kind'>): boolean {
  return kind === 'imap' || kind === 'graph';
}

/** Errors by the API's field names. `hasSecret`: the same way to log in is stored, so an empty secret is right. */
export function checkConnection(draft: MailboxDraft, hasSecret: boolean): Errors {
  if (draft.kind === 'push') return {};
  return onlyErrors({
    host: hasServer(draft) ? hostError(draft.host) : null,
    port: hasServer(draft) ? portError(draft.port) : null,
    username: required(draft.username, 'Give the user name of the mailbox.'),
    ...checkLogin(draft, hasSecret),
    folder: hasFolders(draft) ? required(draft.folder, 'Choose the folder to read.') : null,
    timeout: secondsError(draft.timeout),
  });
}

export function checkMailbox(draft: MailboxDraft, hasSecret: boolean): Errors {
  const wrong = addressesIn(draft.moreAddresses).find((one) => !isAddress(one));
  return {
    ...onlyErrors({
      address: isAddress(draft.address) ? null : 'Give the address that people write to, such as support@example.com.',
      name: required(draft.name, 'Give the mailbox a name.'),
    }),
    ...checkConnection(draft, hasSecret),
    ...onlyErrors({
      move_to: moveError(draft),
      project: draft.project === null ? 'Choose the project that new issues go to.' : null,
      issue_type: draft.issueType === null ? 'Choose the type of new issues.' : null,
      since: draft.backlog === 'since' && draft.since === '' ? 'Give the day from which mail is handled.' : null,
      addresses: wrong === undefined ? null : `Give one address a line: ${wrong} is none.`,
      max_bytes: sizeError(draft.maxMegabytes),
    }),
  };
}

/** Empty is right: the usual. */
function secondsError(text: string): string | null {
  if (text.trim() === '') return null;
  const number = Number(text);
  return /^\d+$/.test(text.trim()) && number >= 1 && number <= LONGEST_TIMEOUT ? null : `Give whole seconds from 1 to ${LONGEST_TIMEOUT}, or nothing.`;
}

function sizeError(text: string): string | null {
  if (text.trim() === '') return null;
  const number = Number(text);
  const isRight = /^\d+(\.\d+)?$/.test(text.trim()) && number >= LEAST_MEGABYTES && number <= MOST_MEGABYTES;
  return isRight ? null : `Give MB from ${LEAST_MEGABYTES} to ${MOST_MEGABYTES}, or nothing.`;
}

/** Before the server's folders are known there is often nothing to name yet. */
export function moveError({ strategy, moveTo, folder }: MailboxDraft): string | null {
  if (strategy !== 'move') return null;
  if (moveTo.trim() === folder.trim()) return 'Choose another folder than the one that is read.';
  return required(moveTo, 'Choose the folder that handled mail goes to.');
}
