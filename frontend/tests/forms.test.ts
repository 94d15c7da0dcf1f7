import { describe, expect, it } from 'vitest';
import type { Mailbox } from '../src/api/types';
import { hostError, isAddress, portError } from '../src/forms/connection';
import {
  blankMailbox,
  checkConnection,
  checkMailbox,
  connectionOf,
  draftOfMailbox,
  mailboxBody,
  testBody,
  withProject,
  withSecurity,
  withUsername,
  type MailboxDraft,
} from '../src/forms/mailbox';
import { blankSender, checkSender, draftOfSender, senderBody, withSenderSecurity } from '../src/forms/sender';

const PROJECT = { id: '1', key: 'SUP', name: 'Support' };

function filled(more: Partial<MailboxDraft> = {}): MailboxDraft {
  return {
    ...blankMailbox(),
    name: 'Support',
    host: 'imap.example.com',
    username: 'support@example.com',
    secret: 'pw',
    address: 'support@example.com',
    project: PROJECT,
    issueType: { id: '2', name: 'Task' },
    ...more,
  };
}

const SETTINGS = {
  name: 'Support',
  kind: 'imap' as const,
  host: 'imap.example.com',
  port: 993,
  security: 'tls' as const,
  username: 'support@example.com',
  folder: 'INBOX',
  address: 'support@example.com',
  validate_certificate: true,
  authserv_id: 'mx.example.com',
  sub_addresses: true,
  project: PROJECT,
  issue_type: { id: '2', name: 'Task' },
  default_reporter: { account_id: '5b10', name: 'Ada' },
  enabled: true,
};

const STORED: Mailbox = {
  ...SETTINGS,
  id: 'm1',
  has_secret: true,
  state: 'connected',
  last_error: null,
  checked_at: 1,
  counts: {},
};

describe('the port', () => {
  it('follows the security', () => {
    const draft = withSecurity(blankMailbox(), 'starttls');
    expect(draft.port).toBe('143');
    expect(withSecurity(draft, 'tls').port).toBe('993');
    expect(withSenderSecurity(blankSender(), 'tls').port).toBe('465');
    expect(withSenderSecurity(blankSender(), 'none').port).toBe('25');
  });

  it('that a person typed stays', () => expect(withSecurity({ ...blankMailbox(), port: '8143' }, 'none').port).toBe('8143'));

  it.each(['', '0', '65536', '12.5', 'abc', '-1', '1e3'])('is refused: %s', (port) => expect(portError(port)).not.toBeNull());
  it.each(['1', '993', ' 143 ', '65535'])('is taken: %s', (port) => expect(portError(port)).toBeNull());
});

describe('the server', () => {
  it.each(['', '  ', 'https://mail.example.com', 'me@mail.example.com', 'mail example.com', 'mail.example.com/inbox'])(
    'is refused: %s',
    (host) => expect(hostError(host)).not.toBeNull(),
  );
  it.each(['mail.example.com', '127.0.0.1', '::1', 'localhost'])('is taken: %s', (host) => expect(hostError(host)).toBeNull());
});

describe('an address', () => {
  it.each(['a@b', 'support+x@example.com', ' a@b.c '])('is one: %s', (text) => expect(isAddress(text)).toBe(true));
  it.each(['', 'support', '@b', 'a@', 'a b@c', 'A <a@b>', 'a@b, c@d'])('is none: %s', (text) => expect(isAddress(text)).toBe(false));
});

describe('the mailbox form', () => {
  it('names every field that is missing', () => {
    expect(Object.keys(checkMailbox({ ...blankMailbox(), folder: '' }, false)).sort()).toEqual(
      ['address', 'folder', 'host', 'issue_type', 'name', 'project', 'secret', 'username'].sort(),
    );
  });

  it('is right when it is filled in', () => expect(checkMailbox(filled(), false)).toEqual({}));

  it('needs no password where one is stored', () => {
    expect(checkConnection(filled({ secret: '' }), false)).toHaveProperty('secret');
    expect(checkConnection(filled({ secret: '' }), true)).toEqual({});
  });

  it('lets address and name follow the user name until they are typed', () => {
    const guessed = withUsername(withUsername(blankMailbox(), 'a@b'), 'a@b.c');
    expect(guessed).toMatchObject({ address: 'a@b.c', name: 'a@b.c' });
    const typed = withUsername({ ...guessed, address: 'help@b.c' }, 'x@y.z');
    expect(typed).toMatchObject({ address: 'help@b.c', name: 'x@y.z' });
    expect(withUsername(blankMailbox(), 'support')).toMatchObject({ address: '', name: '' });
  });

  it('forgets the issue type with the project', () => {
    expect(withProject(filled(), { id: '9', key: 'X', name: 'X' }).issueType).toBeNull();
    expect(withProject(filled(), { ...PROJECT }).issueType).not.toBeNull();
  });

  it('sends numbers as numbers, trimmed text, and no empty password', () => {
    const body = mailboxBody(filled({ port: ' 993 ', host: ' imap.example.com ', secret: '', authservId: ' ' }), false);
    expect(body).toMatchObject({ port: 993, host: 'imap.example.com', authserv_id: null });
    expect(body).not.toHaveProperty('secret');
    expect(body).not.toHaveProperty('backlog');
    expect(mailboxBody(filled(), true)).toMatchObject({ secret: 'pw', backlog: 'none' });
  });

  it('gives a stored mailbox back as it was', () => {
    expect(mailboxBody(draftOfMailbox(STORED), false)).toEqual(SETTINGS);
  });

  it('tests a stored mailbox with its stored password', () => {
    const body = testBody(draftOfMailbox(STORED), 'm1');
    expect(body.id).toBe('m1');
    expect(body).not.toHaveProperty('secret');
    expect(testBody(filled(), null)).not.toHaveProperty('id');
  });

  it('knows another connection from another name', () => {
    expect(connectionOf(filled({ name: 'Other' }))).toBe(connectionOf(filled()));
    expect(connectionOf(filled({ folder: 'Other' }))).not.toBe(connectionOf(filled()));
    expect(connectionOf(filled({ secret: 'other' }))).not.toBe(connectionOf(filled()));
  });
});

describe('the form of outgoing mail', () => {
  const draft = { ...blankSender(), host: 'smtp.example.com', fromAddress: 'support@example.com' };

  it('needs no login', () => expect(checkSender(draft, false)).toEqual({}));
  it('needs a password for a user name', () => {
    expect(checkSender({ ...draft, username: 'u' }, false)).toHaveProperty('secret');
    expect(checkSender({ ...draft, username: 'u' }, true)).toEqual({});
    expect(checkSender({ ...draft, secret: 'p' }, false)).toHaveProperty('username');
  });
  it.each(['', '-1', '1,5', '601', 'soon'])('refuses to gather changes for %s seconds', (windowSeconds) =>
    expect(checkSender({ ...draft, windowSeconds }, false)).toHaveProperty('window_seconds'),
  );
  it('gives stored settings back as they were', () => {
    const stored = {
      host: 'smtp.example.com',
      port: 465,
      security: 'tls' as const,
      username: 'u',
      from_name: 'Support',
      from_address: 'support@example.com',
      window_seconds: 0,
      validate_certificate: false,
    };
    expect(senderBody(draftOfSender({ ...stored, has_secret: true, state: 'connected', last_error: null }))).toEqual(stored);
  });
});
