import { describe, expect, it } from 'vitest';
import type { LookupUser } from '../src/api/types/lookup';
import type { SiteEvents, Webhook } from '../src/api/types/site';
import { checkLookup, draftOfLookup, lookupBody } from '../src/forms/lookup';
import { checkPassword } from '../src/forms/password';
import { accessOf, BLANK_SITE, checkSiteDraft, dayOf, instantOf, isElsewhere, siteAddressIn, siteBody } from '../src/forms/site';
import { findingsAsChecks, mostUrgentFirst, rightName, rightsAsChecks, scopesAsChecks, wordOf } from '../src/site/checks';
import { emailApiWord, eventsSentence, eventsWord, expiryWord, isAttached } from '../src/site/words';

const TODAY = new Date('2026-11-22T12:00:00Z');
const NOW = TODAY.getTime() / 1000;
const DRAFT = { url: 'https://acme.atlassian.net', email: 'bot@example.com', apiToken: 'token', expires: '', isRenamed: false };

describe('the address of a Jira', () => {
  it.each([
    ['https://acme.atlassian.net', 'https://acme.atlassian.net'],
    [' acme.atlassian.net ', 'https://acme.atlassian.net'],
    ['https://acme.atlassian.net/jira/projects?x=1', 'https://acme.atlassian.net'],
    ['http://127.0.0.1:8090', 'http://127.0.0.1:8090'],
  ])('is taken from %s', (typed, site) => expect(siteAddressIn(typed)).toBe(site));
  it.each(['', '   ', 'my jira', 'ftp://acme.atlassian.net', 'https://me:pw@acme.atlassian.net', 'https://'])('is not in: %s', (typed) =>
    expect(siteAddressIn(typed)).toBeNull(),
  );
});

describe('the form that attaches a Jira', () => {
  it('names every field that is missing', () => {
    expect(Object.keys(checkSiteDraft(BLANK_SITE, TODAY)).sort()).toEqual(['api_token', 'email', 'url']);
    expect(checkSiteDraft(DRAFT, TODAY)).toEqual({});
  });
  it('refuses a token that is over', () => {
    expect(checkSiteDraft({ ...DRAFT, expires: '2026-11-21' }, TODAY)).toHaveProperty('token_expires_at');
    expect(checkSiteDraft({ ...DRAFT, expires: '2027-11-21' }, TODAY)).toEqual({});
    expect(checkSiteDraft({ ...DRAFT, expires: 'soon' }, TODAY)).toHaveProperty('token_expires_at');
  });
  it('sends trimmed text and an instant', () => {
    expect(siteBody({ url: 'acme.atlassian.net/x', email: ' bot@example.com ', apiToken: ' token ', expires: '2027-01-31', isRenamed: false })).toEqual({
      url: 'https://acme.atlassian.net',
      email: 'bot@example.com',
      api_token: 'token',
      token_expires_at: Date.UTC(2027, 0, 31) / 1000,
    });
    expect(siteBody(DRAFT).token_expires_at).toBeNull();
  });
  it('asks again when the account changes, not when the day does', () => {
    expect(accessOf({ ...DRAFT, expires: '2027-01-31' })).toBe(accessOf(DRAFT));
    expect(accessOf({ ...DRAFT, apiToken: 'other' })).not.toBe(accessOf(DRAFT));
  });
  it('says that a site was renamed only when a person says so', () => {
    expect(siteBody(DRAFT)).not.toHaveProperty('renamed');
    expect(siteBody({ ...DRAFT, isRenamed: true })).toHaveProperty('renamed', true);
    expect(isElsewhere(DRAFT, 'https://acme.atlassian.net/')).toBe(false);
    expect(isElsewhere(DRAFT, 'https://other.atlassian.net')).toBe(true);
    expect(isElsewhere(DRAFT, null)).toBe(false);
  });
  it('gives a day back as it was', () => {
    expect(dayOf(instantOf('2027-01-31'))).toBe('2027-01-31');
    expect(dayOf(null)).toBe('');
  });
});

describe('the look-up user', () => {
  const stored: LookupUser = { email: 'Jira+lookup@example.com', account: null, token_expires_at: null, problem: null, checked_at: null };
  it('keeps its token while the account stays', () => {
    expect(checkLookup(draftOfLookup(stored), stored, TODAY)).toEqual({});
    expect(lookupBody(draftOfLookup(stored))).not.toHaveProperty('api_token');
    expect(checkLookup({ ...draftOfLookup(stored), email: 'other@example.com' }, stored, TODAY)).toHaveProperty('api_token');
  });
  it('needs address and token at first', () => {
    expect(Object.keys(checkLookup(draftOfLookup(null), null, TODAY)).sort()).toEqual(['api_token', 'email']);
  });
  it('may be changed although its old token is over', () => {
    expect(checkLookup({ ...draftOfLookup(stored), expires: '2020-01-01' }, stored, TODAY)).toEqual({});
    expect(checkLookup({ ...draftOfLookup(stored), apiToken: 't', expires: '2020-01-01' }, stored, TODAY)).toHaveProperty('token_expires_at');
  });
});

describe('a password', () => {
  it('is long and typed twice', () => {
    expect(checkPassword('correct horse', 'correct horse')).toEqual({});
    expect(checkPassword('short', 'short')).toHaveProperty('password');
    expect(checkPassword('correct horse', 'correct house')).toEqual({ again: 'This is not the same password.' });
  });
  it('is measured in characters as people count them', () => expect(checkPassword('🐎'.repeat(11), '🐎'.repeat(11))).toHaveProperty('password'));
});

describe('rights', () => {
  const right = { right: 'BROWSE_PROJECTS', for: 'reading issues', ok: true, where: 'global', remedy: null };
  it('are called as Jira calls them, with their project', () => {
    expect(rightsAsChecks([right, { ...right, where: 'project SUP' }]).map(({ label }) => label)).toEqual([
      'Browse projects',
      'Browse projects (SUP)',
    ]);
    expect(rightName('SOME_NEW_RIGHT')).toBe('Some new right');
  });
  it('that are there need no reason', () => {
    expect(rightsAsChecks([right])[0]?.detail).toBeNull();
    expect(rightsAsChecks([{ ...right, ok: false }])[0]?.detail).toBe('reading issues');
  });
  it('that lack come first', () => {
    const checks = rightsAsChecks([right, { ...right, right: 'A', ok: null }, { ...right, right: 'B', ok: false }]);
    expect(mostUrgentFirst(checks).map(wordOf).map(({ label }) => label)).toEqual(['Missing', 'Not known', 'OK']);
  });
  it('scopes and findings are read alike', () => {
    expect(scopesAsChecks([{ name: 'read:jira-work', granted: false, why: 'issues', remedy: 'Approve.' }])[0]).toMatchObject({
      label: 'read:jira-work',
      ok: false,
      remedy: 'Approve.',
    });
    const twice = { what: 'Browse users', ok: null, detail: null, remedy: null };
    expect(new Set(findingsAsChecks([twice, twice]).map(({ key }) => key)).size).toBe(2);
  });
});

describe('the end of a token', () => {
  const day = 86_400;
  it.each([
    [null, null, null],
    [NOW - 1, 'Expired', 'danger'],
    [NOW + 3600, 'Expires today', 'danger'],
    [NOW + day, 'Expires in 1 day', 'warning'],
    [NOW + 14 * day, 'Expires in 14 days', 'warning'],
    [NOW + 15 * day, 'Expires in 15 days', 'neutral'],
  ])('is told in time: %s', (at, label, appearance) => {
    expect(expiryWord(at, NOW)).toEqual(label === null ? null : { label, appearance });
  });
});

describe('events', () => {
  const polling: SiteEvents = { way: 'polling', heard_at: null, polled_at: NOW, every: 60 };
  const webhook: Webhook = { url: 'u', secret: 's', events: [], jql: '', heard_at: null };
  it('are asked for where Jira cannot reach us', () => {
    expect(eventsSentence(polling, null)).toBe('Jira cannot reach this server: Mailbridge asks Jira for changes every 60 seconds.');
    expect(eventsSentence({ ...polling, every: 300 }, null)).toContain('every 5 minutes');
    expect(eventsSentence(polling, webhook)).toMatch(/^Until Jira tells/);
    expect(eventsWord(polling).appearance).toBe('information');
  });
  it('turn green when the first is heard', () => {
    expect(eventsWord({ ...polling, way: 'webhook' }).appearance).toBe('warning');
    expect(eventsWord({ ...polling, way: 'webhook', heard_at: NOW }).appearance).toBe('success');
    expect(eventsSentence({ ...polling, way: 'forge' }, null)).toMatch(/^Forge tells.*Nothing has been heard yet/);
  });
});

it('a site is attached once it has a way and an address', () => {
  expect(isAttached(null)).toBe(false);
  expect(isAttached({ scheme: 'token', site: '', state: 'new' })).toBe(false);
  expect(isAttached({ scheme: null, site: null, state: 'enabled' })).toBe(false);
  expect(isAttached({ scheme: 'token', site: 'https://acme.atlassian.net', state: 'trouble' })).toBe(true);
});

it('a refused e-mail API is no error, and never asked with an API token', () => {
  const states = ['works', 'refused', 'unknown'];
  expect(states.map((state) => emailApiWord(state, 'forge').appearance)).toEqual(['success', 'warning', 'neutral']);
  expect(new Set(states.map((state) => emailApiWord(state, 'token').label))).toEqual(new Set(['For apps only']));
});
