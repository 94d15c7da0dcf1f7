/** The mailbox form without its looks: what is typed, what is wrong with it, what is sent. */
import type { Backlog, IssueType, Mailbox, MailboxBody, Person, Project, Security } from '../api/types';
import { hostError, IMAP_PORTS, isAddress, onlyErrors, portAfter, portError, required, type Errors } from './connection';

export interface MailboxDraft {
  name: string;
  host: string;
  port: string;
  security: Security;
  username: string;
  /** Empty while editing: the stored password stays. */
  secret: string;
  folder: string;
  address: string;
  validateCertificate: boolean;
  authservId: string;
  subAddresses: boolean;
  project: Project | null;
  issueType: Pick<IssueType, 'id' | 'name'> | null;
  defaultReporter: Person | null;
  backlog: Backlog;
  enabled: boolean;
}

/** The API's names of the fields that the form shows. */
export const MAILBOX_FIELDS: readonly string[] = [
  'name',
  'host',
  'port',
  'security',
  'username',
  'secret',
  'folder',
  'address',
  'authserv_id',
  'project',
  'issue_type',
  'default_reporter',
  'backlog',
];

export function blankMailbox(): MailboxDraft {
  return {
    name: '',
    host: '',
    port: String(IMAP_PORTS.tls),
    security: 'tls',
    username: '',
    secret: '',
    folder: 'INBOX',
    address: '',
    validateCertificate: true,
    authservId: '',
    subAddresses: false,
    project: null,
    issueType: null,
    defaultReporter: null,
    backlog: 'none',
    enabled: true,
  };
}

export function draftOfMailbox(mailbox: Mailbox): MailboxDraft {
  return {
    name: mailbox.name,
    host: mailbox.host,
    port: String(mailbox.port),
    security: mailbox.security,
    username: mailbox.username,
    secret: '',
    folder: mailbox.folder,
    address: mailbox.address,
    validateCertificate: mailbox.validate_certificate,
    authservId: mailbox.authserv_id ?? '',
    subAddresses: mailbox.sub_addresses,
    project: mailbox.project,
    issueType: mailbox.issue_type,
    defaultReporter: mailbox.default_reporter,
    backlog: 'none',
    enabled: mailbox.enabled,
  };
}

export function withSecurity(draft: MailboxDraft, security: Security): MailboxDraft {
  return { ...draft, security, port: portAfter(IMAP_PORTS, draft.port, draft.security, security) };
}

/** Most accounts are named by their address: address and name follow the user name until they are typed themselves. */
export function withUsername(draft: MailboxDraft, username: string): MailboxDraft {
  const guess = (value: string) => (value === '' || value === draft.username ? (isAddress(username) ? username : '') : value);
  return { ...draft, username, address: guess(draft.address), name: guess(draft.name) };
}

/** Another project has other issue types. */
export function withProject(draft: MailboxDraft, project: Project | null): MailboxDraft {
  return { ...draft, project, issueType: project?.id === draft.project?.id ? draft.issueType : null };
}

/** Errors by the API's field names. `hasSecret`: a password is stored, so an empty one is right. */
export function checkConnection(draft: MailboxDraft, hasSecret: boolean): Errors {
  return onlyErrors({
    host: hostError(draft.host),
    port: portError(draft.port),
    username: required(draft.username, 'Give the user name of the mailbox.'),
    secret: hasSecret ? null : required(draft.secret, 'Give the password of the mailbox.'),
  });
}

export function checkMailbox(draft: MailboxDraft, hasSecret: boolean): Errors {
  return {
    ...checkConnection(draft, hasSecret),
    ...onlyErrors({
      name: required(draft.name, 'Give the mailbox a name.'),
      folder: required(draft.folder, 'Choose the folder to read.'),
      address: isAddress(draft.address) ? null : 'Give the address that people write to, such as support@example.com.',
      project: draft.project === null ? 'Choose the project that new issues go to.' : null,
      issue_type: draft.issueType === null ? 'Choose the type of new issues.' : null,
    }),
  };
}

/** Two drafts with the same connection have passed the same test. */
export function connectionOf(draft: MailboxDraft): string {
  const { host, port, security, username, secret, folder, validateCertificate } = draft;
  return JSON.stringify([host, port, security, username, secret, folder, validateCertificate]);
}

/** What *Test connection* sends; `id` of a stored mailbox lets its stored password be used. */
export function testBody(draft: MailboxDraft, id: string | null): Partial<MailboxBody> & { id?: string } {
  return {
    ...(id === null ? {} : { id }),
    kind: 'imap',
    host: draft.host.trim(),
    port: Number(draft.port),
    security: draft.security,
    username: draft.username.trim(),
    ...secretOf(draft),
    folder: draft.folder.trim() || 'INBOX',
    validate_certificate: draft.validateCertificate,
  };
}

/** What is saved. Only for a draft without errors. */
export function mailboxBody(draft: MailboxDraft, isNew: boolean): MailboxBody {
  if (draft.project === null || draft.issueType === null) throw new Error('A mailbox needs a project and an issue type.');
  return {
    name: draft.name.trim(),
    kind: 'imap',
    host: draft.host.trim(),
    port: Number(draft.port),
    security: draft.security,
    username: draft.username.trim(),
    ...secretOf(draft),
    folder: draft.folder.trim(),
    address: draft.address.trim(),
    validate_certificate: draft.validateCertificate,
    authserv_id: draft.authservId.trim() || null,
    sub_addresses: draft.subAddresses,
    project: { id: draft.project.id, key: draft.project.key, name: draft.project.name },
    issue_type: { id: draft.issueType.id, name: draft.issueType.name },
    default_reporter: draft.defaultReporter,
    enabled: draft.enabled,
    ...(isNew ? { backlog: draft.backlog } : {}),
  };
}

function secretOf(draft: MailboxDraft): { secret?: string } {
  return draft.secret === '' ? {} : { secret: draft.secret };
}
