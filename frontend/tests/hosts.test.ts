import { describe, expect, it } from 'vitest';
import { answerIn, forgeTransport, type Invocation } from '../src/api/forge';
import type { Fetch } from '../src/api/http';
import { loginApi, standaloneTransport } from '../src/api/standalone';
import { doorIn, errandIn } from '../src/host/doors';
import { readContext } from '../src/host/forge';
import { surroundings } from '../src/host/surroundings';
import { placeIn, viewFor } from '../src/host/view';
import { loginFailure } from '../src/login/words';

describe('the surroundings', () => {
  const top = { parent: null as unknown };
  top.parent = top;
  it('are Forge where its bridge is', () => {
    expect(surroundings({ __bridge: { callBridge: () => undefined }, parent: {} })).toBe('forge');
  });
  it('are Connect in a frame without it', () => {
    expect(surroundings({ parent: {} })).toBe('connect');
    expect(surroundings({ __bridge: {}, parent: {} })).toBe('connect');
  });
  it('are nobody where the page has the window to itself', () => expect(surroundings(top)).toBe('standalone'));
});

/** Jira as the bridge shows it: it vouches for the exchange, and hands everything else on. */
function forge(options: { refusal?: number; asText?: boolean } = {}) {
  const clock = { now: 1_000_000 };
  const good = new Set<string>();
  const calls: Invocation[] = [];
  const invoke = (call: Invocation): Promise<unknown> => {
    calls.push(call);
    if (call.path === '/api/connect/session') {
      if (options.refusal) return Promise.resolve({ status: options.refusal, headers: {}, body: { detail: 'Not you.' } });
      good.add(`s${calls.length}`);
      const body = { session: `s${calls.length}`, expires_at: clock.now + 600, project: null, issue: '10100' };
      return Promise.resolve({ status: 200, headers: {}, body: options.asText ? JSON.stringify(body) : body });
    }
    const known = good.has(call.headers['X-Mailbridge-Session'] ?? '');
    return Promise.resolve({ status: known ? 200 : 401, headers: {}, body: known ? [{ id: 'm1' }] : null });
  };
  return { connection: forgeTransport(invoke, () => clock.now), calls, good, clock };
}

describe('the Forge transport', () => {
  it('exchanges what Jira vouches for, and sends the session beside it', async () => {
    const { connection, calls } = forge();
    expect(await connection.send('PUT', '/api/inbound/mailboxes/m1', { name: 'x' })).toEqual({ status: 200, body: [{ id: 'm1' }] });
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/connect/session', 'PUT /api/inbound/mailboxes/m1']);
    expect(calls[0]?.headers).not.toHaveProperty('X-Mailbridge-Session');
    expect(calls[1]).toMatchObject({ headers: { 'X-Mailbridge-Session': 's1' }, body: { name: 'x' } });
    // Forge writes this header itself.
    for (const { headers } of calls) expect(headers).not.toHaveProperty('Authorization');
  });

  it('knows what the person looks at', async () => {
    expect(await forge().connection.session()).toMatchObject({ issue: '10100', project: null });
    expect(await forge({ asText: true }).connection.session()).toMatchObject({ issue: '10100' });
  });

  it('replaces a refused session once', async () => {
    const { connection, good, calls } = forge();
    await connection.send('GET', '/api/inbound/mailboxes');
    good.clear();
    expect((await connection.send('GET', '/api/inbound/mailboxes')).status).toBe(200);
    expect(calls.filter(({ path }) => path === '/api/connect/session')).toHaveLength(2);
  });

  it('says why there is no session', async () => {
    const { connection } = forge({ refusal: 401 });
    await expect(connection.send('GET', '/api/inbound/mailboxes')).rejects.toMatchObject({
      status: 401,
      title: 'Mailbridge could not tell who you are',
    });
  });

  it('waits no longer than Jira does', async () => {
    const never = forgeTransport(() => new Promise(() => undefined), () => 0, 5);
    await expect(never.send('GET', '/api/inbound/mailboxes')).rejects.toMatchObject({ title: 'Mailbridge did not answer in time' });
  });

  it('tells of a bridge that throws', async () => {
    const flooded = forgeTransport(() => Promise.reject(new Error('rate limited at 500/25s')), () => 0);
    await expect(flooded.send('GET', '/api/x')).rejects.toMatchObject({ status: 0, detail: 'rate limited at 500/25s' });
  });

  it('takes bodies decoded, as text and not at all', () => {
    expect(answerIn({ status: 200, headers: {}, body: { a: 1 } })).toEqual({ status: 200, body: { a: 1 } });
    expect(answerIn({ status: 200, headers: {}, body: '[1]' })).toEqual({ status: 200, body: [1] });
    expect(answerIn({ status: 204, headers: {} })).toEqual({ status: 204, body: null });
    expect(answerIn({ status: 502, body: '<html>' })).toEqual({ status: 502, body: null });
  });

  it.each([undefined, null, {}, { message: 'Endpoint not found' }])('takes an answer without a status for none: %j', (given) => {
    expect(() => answerIn(given)).toThrow('Jira could not reach Mailbridge');
  });
});

describe('what Forge says of the page', () => {
  const context = {
    siteUrl: 'https://acme.atlassian.net/',
    moduleKey: 'mailbridge-issue',
    theme: { colorMode: 'dark' },
    extension: { type: 'jira:issuePanel', issue: { id: '10100', key: 'SUP-1' }, project: { id: 10000, key: 'SUP' } },
  };
  it('is read', () => {
    expect(readContext(context)).toEqual({
      door: { module: 'mailbridge-issue', issue: { id: '10100', key: 'SUP-1' }, project: { id: '10000', key: 'SUP' } },
      site: 'https://acme.atlassian.net',
      color: 'dark',
    });
  });
  it('may be little', () => {
    expect(readContext(undefined)).toEqual({ door: { module: '', project: null, issue: null }, site: null, color: 'light' });
    expect(readContext({ theme: null, extension: { type: 'jira:adminPage' } }).door.module).toBe('jira:adminPage');
  });
});

describe('what is shown', () => {
  const issue = { id: '10100', key: 'SUP-1' };
  const project = { id: '10000', key: 'SUP' };
  it('is everything by the door of administrators', () => {
    expect(viewFor({ module: 'mailbridge-admin', project: null, issue: null }, {})).toEqual({ kind: 'admin' });
    expect(viewFor({ module: 'something-new', project, issue }, { project: '10000' })).toEqual({ kind: 'admin' });
  });
  it('is the issue or the project that the session names', () => {
    expect(viewFor({ module: 'mailbridge-issue', project, issue }, { issue: '10100' })).toEqual({ kind: 'issue', issue });
    expect(viewFor({ module: 'mailbridge-project', project: null, issue: null }, { project: '10000' })).toEqual({
      kind: 'project',
      project: { id: '10000', key: null },
    });
  });
  it('is named by the host where the session says nothing', () => {
    expect(viewFor({ module: 'jira:issuePanel', project, issue }, {})).toEqual({ kind: 'issue', issue });
    expect(viewFor({ module: 'jira:projectSettingsPage', project, issue: null }, { project: null })).toEqual({ kind: 'project', project });
  });
  it('does not take the key of another thing', () => {
    expect(viewFor({ module: 'mailbridge-issue', project, issue }, { issue: '999' })).toEqual({ kind: 'issue', issue: { id: '999', key: null } });
  });
  it('is everything where there is nothing to show alone', () => {
    expect(viewFor({ module: 'mailbridge-issue', project: null, issue: null }, { issue: null })).toEqual({ kind: 'admin' });
  });
  it('is told by the address under Connect', () => {
    expect(doorIn('https://m.example.com/?page=mailbridge-issue&xdm_e=x')).toEqual({ module: 'mailbridge-issue', projectKey: null });
    expect(doorIn('https://m.example.com/?page=mailbridge-project&project.key=SUP')).toEqual({
      module: 'mailbridge-project',
      projectKey: 'SUP',
    });
    expect(doorIn('https://m.example.com/').module).toBe('mailbridge-admin');
  });
  it.each([null, undefined, 'x', {}, { key: 'SUP' }])('takes no place from %j', (value) => expect(placeIn(value)).toBeNull());
});

/** Our own server at the wire: a login cookie that is there or not. */
function ours(isIn: boolean) {
  const state = { isIn, out: 0 };
  const requests: { url: string; init: RequestInit | undefined }[] = [];
  const fetch: Fetch = (url, init) => {
    requests.push({ url, init });
    if (url !== 'api/connect/session') return Promise.resolve(Response.json([]));
    return Promise.resolve(state.isIn ? Response.json({ session: 's', expires_at: 600, site: '' }) : Response.json({}, { status: 401 }));
  };
  const connection = standaloneTransport(fetch, () => 0, () => {
    state.out += 1;
  });
  return { connection, requests, state, fetch };
}

describe('the self-hosted transport', () => {
  it('shows its cookie for the exchange only, and says that it is the page', async () => {
    const { connection, requests } = ours(true);
    await connection.send('GET', '/api/connect/site');
    expect(requests.map(({ init }) => init?.credentials)).toEqual(['same-origin', 'omit']);
    expect(new Headers(requests[0]?.init?.headers).get('X-Mailbridge-Page')).toBe('1');
    expect(new Headers(requests[1]?.init?.headers).get('Authorization')).toBe('Bearer s');
  });

  it('says when the login has ended', async () => {
    const { connection, state } = ours(false);
    await expect(connection.send('GET', '/api/connect/site')).rejects.toMatchObject({ status: 401 });
    expect(state.out).toBe(1);
  });

  it('asks for a session anew when what it says has changed', async () => {
    const { connection, requests } = ours(true);
    await connection.session();
    await connection.renew();
    expect(requests).toHaveLength(2);
  });
});

describe('the login', () => {
  it('sends the password with the header that other origins cannot send', async () => {
    const { requests, fetch } = ours(true);
    await loginApi(fetch).setUp('link-secret', 'a long password');
    expect(requests[0]?.url).toBe('api/connect/login');
    expect(requests[0]?.init?.body).toBe('{"setup":"link-secret","password":"a long password"}');
    expect(new Headers(requests[0]?.init?.headers).get('X-Mailbridge-Page')).toBe('1');
  });

  it('is not there where the server tells of none', async () => {
    const old: Fetch = () => Promise.resolve(Response.json({ allJs: 'https://x/all.js' }));
    expect(await loginApi(old).page()).toEqual({ allJs: 'https://x/all.js', login: null });
  });
});

describe('the address of a self-hosted page', () => {
  it('may carry a set-up link or a failed login behind the #', () => {
    expect(errandIn('https://m.example.com/#setup=a_b-c')).toEqual({ setUp: 'a_b-c', login: null });
    expect(errandIn('https://m.example.com/#login=expired')).toEqual({ setUp: null, login: 'expired' });
    expect(errandIn('https://m.example.com/?setup=x')).toEqual({ setUp: null, login: null });
  });
  it('has words for each failure', () => {
    expect(loginFailure(null)).toBeNull();
    expect(loginFailure('expired')).toMatch(/too long/);
    expect(loginFailure('something-new')).toMatch(/failed/);
  });
});
