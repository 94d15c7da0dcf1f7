import { describe, expect, it } from 'vitest';
import type { Mailbox, Preview } from '../src/api/types/mailboxes';
import type { Preset, Presets } from '../src/api/types/presets';
import { loginsOf, withLogin } from '../src/forms/logins';
import { blankMailbox, checkConnection, checkMailbox, draftOfMailbox, withProject, type MailboxDraft } from '../src/forms/mailbox';
import { accountOf, connectionBody, mailboxBody, placeOf } from '../src/forms/mailboxBody';
import { choicesOf, dayQuestion, nextStep, withChoice } from '../src/forms/preview';
import { NO_PRESETS, withAddress, withHost, withKind, withPreset, withSuggestion, withUsername } from '../src/forms/providers';
import { missingOf, newest, outcomeOfComparison } from '../src/forms/reconciliation';
import { PUSH_WAYS } from '../src/forms/push';
import { addressError, checkKeeping, countsInWords } from '../src/forms/privacy';
import { canProcessAnyway, placeInWords, stateOf } from '../src/parts/words';

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
  auth: 'password' as const,
  provider: null,
  preset: null,
  host: 'imap.example.com',
  port: 993,
  security: 'tls' as const,
  username: 'support@example.com',
  folder: 'INBOX',
  address: 'support@example.com',
  addresses: ['support@example.com', 'help@example.com'],
  validate_certificate: true,
  check_identity: false,
  timeout: 45,
  strategy: 'move' as const,
  move_to: 'Done',
  unnamed: 'ignore' as const,
  max_bytes: 20 * 1024 * 1024,
  answer_oversized: true,
  authserv_id: 'mx.example.com',
  sub_addresses: true,
  secret_expires_at: null,
  project: PROJECT,
  issue_type: { id: '2', name: 'Task' },
  default_reporter: { account_id: '5b10', name: 'Ada' },
  enabled: true,
};

const STORED: Mailbox = {
  ...SETTINGS,
  id: 'm1',
  has_secret: true,
  grant_state: null,
  state: 'connected',
  last_error: null,
  checked_at: 1,
  counts: {},
};

const FAST: Preset = {
  id: 'fast',
  name: 'Fast',
  imap: { host: 'imap.fast.example', port: 993, security: 'tls' },
  pop3: { host: 'pop.fast.example', port: 110, security: 'starttls' },
  username: 'address',
  auth: ['app_password'],
  provider: null,
  authserv_id: 'mx.fast.example',
  remedy: 'Make an app password.',
};
const GMAIL: Preset = {
  ...FAST,
  id: 'gmail',
  imap: { host: 'imap.gmail.com', port: 993, security: 'tls' },
  auth: ['oauth', 'app_password'],
  provider: 'google',
  authserv_id: null,
};
const M365: Preset = {
  ...FAST,
  id: 'm365',
  imap: { host: 'outlook.office365.com', port: 993, security: 'tls' },
  auth: ['oauth'],
  provider: 'microsoft',
};
const LOCAL: Preset = { ...FAST, id: 'local', pop3: null, username: 'local' };
const ALL: Presets = { ...NO_PRESETS, presets: [FAST, GMAIL, M365, LOCAL] };

describe('the mailbox form', () => {
  it('names every field that is missing', () => {
    expect(Object.keys(checkMailbox({ ...blankMailbox(), folder: '' }, false)).sort()).toEqual(
      ['address', 'folder', 'host', 'issue_type', 'name', 'project', 'secret', 'username'].sort(),
    );
  });

  it('is right when it is filled in', () => expect(checkMailbox(filled(), false)).toEqual({}));

  it('asks pushed mail for no server, no folder and no password', () => {
    const draft = filled({ kind: 'push', auth: 'none', host: '', username: '', secret: '', folder: '' });
    expect(checkMailbox(draft, false)).toEqual({});
    expect(mailboxBody(draft, true)).not.toHaveProperty('backlog');
  });

  it('asks Microsoft 365 for no server', () => {
    expect(checkConnection(filled({ kind: 'graph', auth: 'oauth', provider: 'microsoft', host: '', signIn: 's' }), false)).toEqual({});
  });

  it('needs no password where one is stored', () => {
    expect(checkConnection(filled({ secret: '' }), false)).toHaveProperty('secret');
    expect(checkConnection(filled({ secret: '' }), true)).toEqual({});
  });

  it.each([
    [{ moreAddresses: 'help@example.com\nsupport' }, 'addresses'],
    [{ timeout: '0' }, 'timeout'],
    [{ timeout: '601' }, 'timeout'],
    [{ maxMegabytes: 'big' }, 'max_bytes'],
    [{ maxMegabytes: '0' }, 'max_bytes'],
    [{ strategy: 'move' as const }, 'move_to'],
    [{ strategy: 'move' as const, moveTo: 'INBOX' }, 'move_to'],
    [{ backlog: 'since' as const }, 'since'],
  ])('refuses %o', (more, field) => expect(Object.keys(checkMailbox(filled(more), false))).toEqual([field]));

  it('forgets the issue type with the project', () => {
    expect(withProject(filled(), { id: '9', key: 'X', name: 'X' }).issueType).toBeNull();
    expect(withProject(filled(), { ...PROJECT }).issueType).not.toBeNull();
  });

  it('lets user name and name follow the address until they are typed', () => {
    const guessed = withAddress(withAddress(blankMailbox(), 'a@b'), 'a@b.c');
    expect(guessed).toMatchObject({ address: 'a@b.c', username: 'a@b.c', name: 'a@b.c' });
    expect(withAddress({ ...guessed, username: 'box7' }, 'x@y.z')).toMatchObject({ username: 'box7', name: 'x@y.z' });
  });

  it('lets the address follow the user name while there is none', () => {
    const guessed = withUsername(withUsername(blankMailbox(), 'a@b'), 'a@b.c');
    expect(guessed).toMatchObject({ address: 'a@b.c', name: 'a@b.c' });
    expect(withUsername(blankMailbox(), 'support')).toMatchObject({ address: '', name: '' });
  });

  it('leaves an address alone that a person has typed', () => {
    const typed = withAddress(blankMailbox(), 'support@example.com');
    expect(withUsername(typed, 'support')).toMatchObject({ address: 'support@example.com', name: 'support@example.com', username: 'support' });
    const guessed = withUsername(blankMailbox(), 'support@example.com');
    expect(withUsername(guessed, 'support@example.co')).toMatchObject({ address: 'support@example.co' });
  });
});

describe('what is sent', () => {
  it('lets a connection be tested before the folder to move to is chosen', () => {
    expect(connectionBody(filled({ strategy: 'move', moveTo: '' }), null)).toMatchObject({ strategy: 'read', move_to: null });
    expect(connectionBody(filled({ strategy: 'move', moveTo: 'INBOX' }), null)).toMatchObject({ strategy: 'read' });
    expect(connectionBody(filled({ strategy: 'move', moveTo: 'Done' }), null)).toMatchObject({ strategy: 'move', move_to: 'Done' });
  });

  it('has numbers as numbers, trimmed text, and no empty password', () => {
    const body = mailboxBody(filled({ port: ' 993 ', host: ' imap.example.com ', secret: '', authservId: ' ' }), false);
    expect(body).toMatchObject({ port: 993, host: 'imap.example.com', authserv_id: null, timeout: null, max_bytes: null });
    expect(body).not.toHaveProperty('secret');
    expect(body).not.toHaveProperty('backlog');
  });

  it('tells what to do with mail that is there when it was looked at', () => {
    expect(mailboxBody(filled(), true)).toMatchObject({ secret: 'pw', backlog: 'new' });
    const since = mailboxBody(filled({ backlog: 'since', since: '2026-06-03' }), true);
    expect(since).toMatchObject({ backlog: 'since', since: Date.UTC(2026, 5, 3) / 1000 });
  });

  it('gives a stored mailbox back as it was', () => expect(mailboxBody(draftOfMailbox(STORED), false)).toEqual(SETTINGS));

  it('answers nobody unless told to', () => {
    expect(mailboxBody(filled(), false).answer_oversized).toBe(false);
    expect(mailboxBody(filled({ answerOversized: true }), false).answer_oversized).toBe(true);
  });

  it('keeps a limit to the octet', () => {
    const odd = { ...STORED, max_bytes: 12_345_678 };
    expect(mailboxBody(draftOfMailbox(odd), false).max_bytes).toBe(12_345_678);
    expect(checkMailbox(draftOfMailbox(odd), true)).toEqual({});
  });

  it('tries a stored mailbox with its stored password', () => {
    const body = connectionBody(draftOfMailbox(STORED), 'm1');
    expect(body.id).toBe('m1');
    expect(body).not.toHaveProperty('secret');
    expect(connectionBody(filled(), null)).not.toHaveProperty('id');
    expect(connectionBody(draftOfMailbox(STORED), 'm1')).toMatchObject({ id: 'm1', strategy: 'move', move_to: 'Done' });
  });

  it('has an app registration as one secret, and nothing of it while the stored one stays', () => {
    const app = filled({ auth: 'client_credentials', provider: 'microsoft', directory: ' d ', clientId: 'c', secret: 's' });
    expect(JSON.parse(mailboxBody(app, false).secret ?? '')).toEqual({ tenant: 'd', client_id: 'c', client_secret: 's' });
    const kept = { ...app, directory: '', clientId: '', secret: '' };
    expect(mailboxBody(kept, false)).not.toHaveProperty('secret');
    expect(checkConnection(kept, true)).toEqual({});
    expect(checkConnection(kept, false)).toHaveProperty('secret');
    expect(checkConnection({ ...kept, secret: 's' }, true).secret).toMatch(/directory.*client\) id/);
  });

  it('has a sign-in by its state', () => {
    const person = filled({ auth: 'oauth', provider: 'google', secret: '', signIn: 'state-1' });
    expect(mailboxBody(person, false)).toMatchObject({ auth: 'oauth', provider: 'google', sign_in: 'state-1' });
    expect(checkConnection({ ...person, signIn: null }, false)).toHaveProperty('sign_in');
    expect(checkConnection({ ...person, signIn: null }, true)).toEqual({});
  });

  it('takes a whole key file only', () => {
    const account = filled({ auth: 'service_account', provider: 'google', secret: '{"client_email":"a@b"}' });
    expect(checkConnection(account, false)).toHaveProperty('secret');
    expect(checkConnection({ ...account, secret: '{"client_email":"a@b","private_key":"k"}' }, false)).toEqual({});
  });
});

describe('a provider', () => {
  const draft = withAddress(blankMailbox(), 'support@fast.example');

  it('that is suggested fills the server in', () => {
    const found = withSuggestion(draft, { ...ALL, suggested: 'fast' }, null);
    expect(found).toMatchObject({ preset: 'fast', host: 'imap.fast.example', port: '993', authservId: 'mx.fast.example' });
  });

  it('never writes over a server that was typed', () => {
    const typed = withHost(draft, 'mail.fast.example', []);
    expect(withSuggestion(typed, { ...ALL, suggested: 'fast' }, null)).toEqual(typed);
    const chosen = withPreset(draft, LOCAL, []);
    expect(withSuggestion(chosen, { ...ALL, suggested: 'fast' }, null)).toEqual(chosen);
  });

  it('follows the address as long as it was only suggested', () => {
    const first = withSuggestion(draft, { ...ALL, suggested: 'fast' }, null);
    expect(withSuggestion(first, { ...ALL, suggested: 'gmail' }, 'fast').preset).toBe('gmail');
  });

  it('has another server for POP3, and none for some', () => {
    const found = withKind(withPreset(draft, FAST, []), 'pop3', ALL);
    expect(found).toMatchObject({ preset: 'fast', host: 'pop.fast.example', port: '110', security: 'starttls' });
    expect(withKind(withPreset(draft, LOCAL, []), 'pop3', ALL)).toMatchObject({ preset: null, port: '995' });
  });

  it('may want the part before the @ as user name', () => {
    expect(withPreset(draft, LOCAL, []).username).toBe('support');
    expect(withPreset({ ...draft, username: 'box7' }, LOCAL, []).username).toBe('box7');
  });

  it('has a button to sign in only where the operator set it up', () => {
    expect(withPreset(draft, GMAIL, ['google'])).toMatchObject({ auth: 'oauth', provider: 'google' });
    expect(withPreset(draft, GMAIL, [])).toMatchObject({ auth: 'password', provider: null });
    expect(withPreset(draft, M365, [])).toMatchObject({ auth: 'client_credentials', provider: 'microsoft' });
    const ways = (providers: ('microsoft' | 'google')[]) => loginsOf(withPreset(draft, GMAIL, []), providers).map(({ auth }) => auth);
    expect(ways([])).toEqual(['password', 'service_account', 'none']);
    expect(ways(['google', 'microsoft'])).toEqual(['oauth', 'password', 'service_account', 'none']);
  });

  it('is left when another server is typed', () => {
    expect(withHost(withPreset(draft, GMAIL, ['google']), 'mail.example.com', ['google'])).toMatchObject({ preset: null, auth: 'password' });
  });

  it('offers every way at a server whose name tells nothing, and keeps the one that was chosen while it is typed', () => {
    const own = withHost(blankMailbox(), 'outlook.office365.us', []);
    expect(loginsOf(own, ['microsoft']).map(({ auth }) => auth)).toEqual(['oauth', 'password', 'client_credentials', 'service_account', 'none']);
    const chosen = { ...withLogin(own, { auth: 'client_credentials', provider: 'microsoft' }), secret: 'typed' };
    expect(withHost(chosen, 'outlook.office365.us.example', [])).toMatchObject({ auth: 'client_credentials', secret: 'typed' });
    expect(withHost(chosen, 'imap.gmail.com', [])).toMatchObject({ auth: 'password', secret: '' });
  });
});

describe('the kind of mailbox', () => {
  it('brings its port, unless another was typed', () => {
    expect(withKind(blankMailbox(), 'pop3', NO_PRESETS).port).toBe('995');
    expect(withKind({ ...blankMailbox(), port: '8110' }, 'pop3', NO_PRESETS).port).toBe('8110');
  });
  it('brings a way to log in that fits', () => {
    expect(withKind(filled(), 'graph', NO_PRESETS)).toMatchObject({ auth: 'client_credentials', provider: 'microsoft', secret: '' });
    expect(withKind(filled(), 'graph', { ...NO_PRESETS, providers: ['microsoft'] }).auth).toBe('oauth');
    expect(withKind(filled(), 'push', NO_PRESETS).auth).toBe('none');
    expect(withKind(withKind(filled(), 'push', NO_PRESETS), 'imap', NO_PRESETS).auth).toBe('password');
  });
  it('knows no folders by POP3', () => {
    expect(withKind(filled({ strategy: 'move', folder: 'Support' }), 'pop3', NO_PRESETS)).toMatchObject({ strategy: 'read', folder: 'INBOX' });
  });
  it('forgets a secret of another way to log in', () => {
    expect(withLogin(filled(), { auth: 'password', provider: null }).secret).toBe('pw');
    expect(withLogin(filled(), { auth: 'oauth', provider: 'google' }).secret).toBe('');
  });
});

describe('saving', () => {
  const draft = filled();
  const known = { tested: accountOf(draft), looked: placeOf(draft), stored: null, isAsked: false };

  it('asks once about an untested connection', () => {
    expect(nextStep(draft, { ...known, tested: null, looked: null })).toBe('ask');
    expect(nextStep(draft, { ...known, tested: null, looked: null, isAsked: true })).toBe('save');
  });
  it('looks at what is there first, also after another folder or strategy', () => {
    expect(nextStep(draft, { ...known, looked: null })).toBe('look');
    expect(nextStep({ ...draft, folder: 'Support' }, known)).toBe('look');
    expect(nextStep({ ...draft, strategy: 'delete' }, known)).toBe('look');
    expect(nextStep(draft, known)).toBe('save');
  });
  it('needs neither for what is stored so, nor for pushed mail', () => {
    const stored = { tested: accountOf(draft), looked: null, stored: placeOf(draft), isAsked: false };
    expect(nextStep({ ...draft, name: 'Other' }, stored)).toBe('save');
    expect(nextStep({ ...draft, host: 'other.example' }, stored)).toBe('ask');
    expect(nextStep({ ...draft, kind: 'push' }, { ...known, tested: null, looked: null })).toBe('save');
  });
});

describe('what is there already', () => {
  const seen: Preview = { total: 2031, unread: 12, oldest_at: Date.UTC(2026, 5, 3, 12) / 1000, would: [], choices: ['all', 'since', 'new', 'unread'] };

  it('offers what this source can do, in the words of its numbers', () => {
    expect(choicesOf(seen).map(({ value }) => value)).toEqual(['all', 'since', 'new', 'unread']);
    expect(choicesOf(seen)[3]?.label).toBe('Process the 12 unread');
    expect(choicesOf({ ...seen, choices: ['all', 'new'] }).map(({ value }) => value)).toEqual(['all', 'new']);
  });
  it('promises no folder that was read before that what came since is left out', () => {
    const came = (count: number | null) => choicesOf({ ...seen, meanwhile: { count, exact: true, would: '' } })[2]?.label;
    expect(came(0)).toBe('Only new mail, from now on');
    expect(came(3)).toContain('with what came since');
    expect(came(null)).toContain('with what came since');
  });
  it('asks how many a day is about once there is a day and something to count', () => {
    const draft = filled({ backlog: 'since', since: '2026-06-03' });
    expect(JSON.parse(dayQuestion(draft, 'm1', seen))).toMatchObject({ id: 'm1', host: draft.host, since: Date.UTC(2026, 5, 3) / 1000 });
    expect(dayQuestion(draft, null, null)).toBe('');
    expect(dayQuestion(draft, null, { ...seen, total: 0 })).toBe('');
    expect(dayQuestion({ ...draft, since: '2026-06' }, null, seen)).toBe('');
    expect(dayQuestion({ ...draft, since: '1969-12-31' }, null, seen)).toBe('');
    expect(dayQuestion({ ...draft, backlog: 'all' }, null, seen)).toBe('');
  });
  it('falls back to new mail only', () => {
    expect(withChoice(filled({ backlog: 'unread' }), { ...seen, choices: ['all', 'new'] }).backlog).toBe('new');
    expect(withChoice(filled({ backlog: 'all' }), seen).backlog).toBe('all');
  });
});

describe('a comparison with the ledger', () => {
  const found = { seen: 20, accounted: 8, unaccounted: 12, at: 1, missing: ['7', '8'] };
  it('is the later one of two', () => {
    const nightly = { ...found, at: 2 };
    expect(newest(found, nightly)).toBe(nightly);
    expect(newest(found, null)).toBe(found);
    expect(newest(null, null)).toBeNull();
  });
  it('names what is missing', () => {
    expect(missingOf(found)).toEqual(['Message 7', 'Message 8', 'and 10 more']);
    expect(outcomeOfComparison(found)).toBe('12 messages are not in the ledger');
    expect(outcomeOfComparison({ ...found, unaccounted: 1 })).toBe('One message is not in the ledger');
  });
});

describe('words for mailboxes', () => {
  it('say that somebody has to sign in again', () => {
    expect(stateOf({ state: 'trouble', grant_state: 'reconnect', enabled: true }).label).toBe('Reconnect needed');
    expect(stateOf({ state: 'disabled', grant_state: 'reconnect', enabled: false }).label).toBe('Switched off');
    expect(stateOf({ state: 'connected', grant_state: 'expiring', enabled: true }).label).toBe('Connected');
  });
  it('say where mail comes from', () => {
    const server = { folder: 'INBOX', host: 'h', port: 1, username: 'u' };
    expect((['imap', 'pop3', 'graph', 'push'] as const).map((kind) => placeInWords({ kind, ...server }))).toEqual([
      'INBOX on h:1',
      'h:1 by POP3',
      'INBOX of u in Microsoft 365',
      'What is pushed',
    ]);
  });
  it('offer to process what was read elsewhere, and nothing else', () => {
    const reason = 'Read elsewhere: somebody had read it before the mailbox was connected.';
    expect(canProcessAnyway({ state: 'ignored', reason })).toBe(true);
    expect(canProcessAnyway({ state: 'handled', reason })).toBe(false);
    expect(canProcessAnyway({ state: 'ignored', reason: 'Automatic mail.' })).toBe(false);
  });
});

describe('the privacy section', () => {
  it.each(['', '0', '-1', '1.5', '3651', 'ever'])('refuses to keep mail for %s days', (days) =>
    expect(checkKeeping(days)).toHaveProperty('days'),
  );
  it.each(['1', ' 30 ', '3650'])('keeps mail for %s days', (days) => expect(checkKeeping(days)).toEqual({}));
  it('erases one address', () => {
    expect(addressError('carol')).toHaveProperty('address');
    expect(addressError('carol@example.com')).toEqual({});
  });
  it('counts in a receipt what was there', () => {
    expect(countsInWords({ mails: 3, contents: 0, rows: 1 })).toBe('3 mails of theirs, 1 explanations that named them');
    expect(countsInWords({ mails: 0 })).toBe('Nothing was there');
    expect(countsInWords(null)).toBe('Nothing was there');
  });
});

it('each way of pushing says whether it needs a key', () =>
  expect(PUSH_WAYS.filter(({ isKeyNeeded }) => isKeyNeeded).map(({ way }) => way)).toEqual(['ses', 'mailgun']));
