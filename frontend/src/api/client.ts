/** Everything the page asks of Mailbridge, by name. Each call returns the decoded answer or throws a `Problem`. */
import { problemOf } from './problem';
import type { Method, Transport } from './transport';
import type { IssueType, Person, Project } from './types/jira';
import type { Finding, LookupUser, LookupUserBody } from './types/lookup';
import type {
  ConnectionBody,
  Kind,
  Mailbox,
  MailboxBody,
  Preview,
  Provider,
  PushToken,
  PushWay,
  Reconciliation,
  SignInStatus,
} from './types/mailboxes';
import type { Mail, MailDetail, MailPage, MailState } from './types/mails';
import type { AdminLetterPage, Delivery, DeliveryPage, Sender, SenderBody } from './types/outgoing';
import type { Presets } from './types/presets';
import type { Erasure, Keeping, KeepingBody } from './types/privacy';
import type { TestResult } from './types/servers';
import type { Site, SiteBody, SiteCheck } from './types/site';

export type Cursor = string | number | null;

export function createApi(transport: Transport) {
  async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const answer = await transport.send(method, path, body);
    if (answer.status >= 400) throw problemOf(answer.status, answer.body);
    return answer.body as T;
  }

  return {
    mailboxes: () => call<Mailbox[]>('GET', '/api/inbound/mailboxes'),
    createMailbox: (body: MailboxBody) => call<Mailbox>('POST', '/api/inbound/mailboxes', body),
    changeMailbox: (id: string, body: MailboxBody) => call<Mailbox>('PUT', `/api/inbound/mailboxes/${part(id)}`, body),
    deleteMailbox: (id: string) => call<null>('DELETE', `/api/inbound/mailboxes/${part(id)}`),
    testMailbox: (body: ConnectionBody & { id?: string }) => call<TestResult>('POST', '/api/inbound/mailboxes/test', body),
    previewMailbox: (body: ConnectionBody & { id?: string; since?: number }) => call<Preview>('POST', '/api/inbound/mailboxes/preview', body),
    reconcile: (id: string) => call<Reconciliation>('POST', `/api/inbound/mailboxes/${part(id)}/reconcile`),
    newPushToken: (id: string, body: { via: PushWay; key: string }) =>
      call<PushToken>('POST', `/api/inbound/mailboxes/${part(id)}/push-token`, body),
    presets: (address: string) => call<Presets>('GET', `/api/inbound/presets${query({ address })}`),
    signIn: (provider: Provider, mailbox: string | null, kind: Kind) =>
      call<{ url: string; state: string }>('POST', '/api/inbound/sign-in', { provider, mailbox, kind }),
    signInStatus: (state: string) => call<SignInStatus>('GET', `/api/inbound/sign-in/${part(state)}`),

    keeping: () => call<Keeping>('GET', '/api/inbound/keeping'),
    changeKeeping: (body: KeepingBody) => call<Keeping>('PUT', '/api/inbound/keeping', body),
    erasures: () => call<Erasure[]>('GET', '/api/inbound/erasures'),
    erase: (address: string) => call<Erasure>('POST', '/api/inbound/erasures', { address }),

    mails: (mailbox: string | null, state: MailState | null, before: Cursor, limit: number) =>
      call<MailPage>('GET', `/api/inbound/mails${query({ mailbox, state, before, limit })}`),
    mail: (id: string) => call<MailDetail>('GET', `/api/inbound/mails/${part(id)}`),
    retryMail: (id: string) => call<Mail>('POST', `/api/inbound/mails/${part(id)}/retry`),
    processAnyway: (id: string) => call<Mail>('POST', `/api/inbound/mails/${part(id)}/process-anyway`),

    projects: (text: string) => call<Project[]>('GET', `/api/connect/projects${query({ query: text })}`),
    issueTypes: (project: string) => call<IssueType[]>('GET', `/api/connect/projects/${part(project)}/issue-types`),
    users: (text: string) => call<Person[]>('GET', `/api/connect/users${query({ query: text })}`),

    site: () => call<Site>('GET', '/api/connect/site'),
    checkSite: (body: Omit<SiteBody, 'token_expires_at' | 'renamed'>) => call<SiteCheck>('POST', '/api/connect/site/check', body),
    attachSite: (body: SiteBody) => call<Site>('PUT', '/api/connect/site', body),
    detachSite: () => call<null>('DELETE', '/api/connect/site'),
    renewWebhookSecret: () => call<Site>('POST', '/api/connect/site/webhook/secret'),
    lookupUser: () => call<LookupUser | null>('GET', '/api/connect/lookup-user'),
    changeLookupUser: (body: LookupUserBody) => call<LookupUser>('PUT', '/api/connect/lookup-user', body),
    deleteLookupUser: () => call<null>('DELETE', '/api/connect/lookup-user'),
    checkLookupUser: (account: string | null, project: string | null) =>
      call<{ findings: Finding[] }>('POST', '/api/connect/lookup-user/check', { account_id: account, project }),

    issueMails: (issue: string) => call<Mail[]>('GET', `/api/inbound/issues/${part(issue)}/mails`),
    issueDeliveries: (issue: string) => call<Delivery[]>('GET', `/api/outbound/issues/${part(issue)}/deliveries`),

    sender: () => call<Sender | null>('GET', '/api/outbound/sender'),
    changeSender: (body: SenderBody) => call<Sender>('PUT', '/api/outbound/sender', body),
    testSender: (body: SenderBody) => call<TestResult>('POST', '/api/outbound/sender/test', body),
    deliveries: (issue: string | null, before: Cursor, limit: number) =>
      call<DeliveryPage>('GET', `/api/outbound/deliveries${query({ issue, before, limit })}`),
    adminLetters: (before: Cursor, limit: number) =>
      call<AdminLetterPage>('GET', `/api/outbound/admin-letters${query({ before, limit })}`),
  };
}

export type Api = ReturnType<typeof createApi>;

const part = encodeURIComponent;

/** A query string of the values that are given; `?` included. */
export function query(values: Readonly<Record<string, string | number | null>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? '' : `?${search}`;
}
