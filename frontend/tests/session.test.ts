import { describe, expect, it } from 'vitest';
import { connectTransport } from '../src/api/connect';
import type { Fetch } from '../src/api/http';
import { Problem } from '../src/api/problem';
import { renewAt, SessionKeeper } from '../src/api/session';

/** A server of sessions at the wire: it knows which are good, counts, and keeps every request. */
function server(options: { lifeSeconds?: number; refusal?: number } = {}) {
  const clock = { now: 1_000_000 };
  const good = new Set<string>();
  const requests: { method: string; url: string; authorization: string | null; body: string | null }[] = [];
  let exchanges = 0;
  const fetch: Fetch = async (url, init) => {
    const authorization = new Headers(init?.headers).get('Authorization');
    requests.push({ method: init?.method ?? 'GET', url, authorization, body: (init?.body as string | null) ?? null });
    await Promise.resolve();
    if (url === 'api/connect/session') {
      if (options.refusal) return Response.json({ title: 'No', detail: 'Not you.' }, { status: options.refusal });
      exchanges += 1;
      good.add(`s${exchanges}`);
      return Response.json({ session: `s${exchanges}`, expires_at: clock.now + (options.lifeSeconds ?? 600) });
    }
    const known = authorization !== null && good.has(authorization.replace('Bearer ', ''));
    return known ? Response.json([{ id: 'm1' }]) : Response.json({ title: 'Unauthorized' }, { status: 401 });
  };
  let asked = 0;
  const contextToken = () => {
    asked += 1;
    return Promise.resolve(`jwt${asked}`);
  };
  const transport = connectTransport(contextToken, fetch, () => clock.now);
  return { transport, clock, good, requests, exchanges: () => exchanges };
}

describe('the Connect transport', () => {
  it('exchanges a context token for a session and sends requests with it', async () => {
    const { transport, requests } = server();
    expect(await transport.send('GET', '/api/inbound/mailboxes')).toEqual({ status: 200, body: [{ id: 'm1' }] });
    expect(requests).toMatchObject([
      { method: 'POST', url: 'api/connect/session', authorization: 'JWT jwt1' },
      { method: 'GET', url: 'api/inbound/mailboxes', authorization: 'Bearer s1' },
    ]);
  });

  it('asks once when several requests start together', async () => {
    const { transport, exchanges } = server();
    await Promise.all([1, 2, 3].map(() => transport.send('GET', '/api/inbound/mailboxes')));
    expect(exchanges()).toBe(1);
  });

  it('renews a session before it ends', async () => {
    const { transport, clock, exchanges } = server();
    await transport.send('GET', '/api/inbound/mailboxes');
    clock.now += 539;
    await transport.send('GET', '/api/inbound/mailboxes');
    expect(exchanges()).toBe(1);
    clock.now += 1;
    await transport.send('GET', '/api/inbound/mailboxes');
    expect(exchanges()).toBe(2);
  });

  it('replaces a refused session once and sends the request again', async () => {
    const { transport, good, requests } = server();
    await transport.send('GET', '/api/inbound/mailboxes');
    good.clear();
    expect((await transport.send('PUT', '/api/inbound/mailboxes/m1', { name: 'x' })).status).toBe(200);
    expect(requests.at(-1)).toMatchObject({ method: 'PUT', authorization: 'Bearer s2', body: '{"name":"x"}' });
  });

  it('gives the 401 back when a new session is refused as well', async () => {
    const { transport, good, exchanges } = server();
    good.add = () => good;
    expect((await transport.send('GET', '/api/inbound/mailboxes')).status).toBe(401);
    expect(exchanges()).toBe(2);
  });

  it('says why there is no session', async () => {
    const { transport } = server({ refusal: 403 });
    await expect(transport.send('GET', '/api/inbound/mailboxes')).rejects.toMatchObject({ status: 403, detail: 'Not you.' });
  });

  it('does not call a refused exchange an ended session', async () => {
    const { transport } = server({ refusal: 401 });
    await expect(transport.send('GET', '/api/inbound/mailboxes')).rejects.toMatchObject({
      status: 401,
      title: 'Mailbridge could not tell who you are',
      detail: 'Not you.',
    });
  });

  it('tells a person that Mailbridge cannot be reached', async () => {
    const broken = connectTransport(
      () => Promise.resolve('jwt'),
      () => Promise.reject(new TypeError('Failed to fetch')),
      () => 0,
    );
    const failure = await broken.send('GET', '/api/inbound/mailboxes').catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(Problem);
    expect((failure as Problem).status).toBe(0);
  });

  it('takes an answer that is no JSON as an answer without a body', async () => {
    const page: Fetch = (url) =>
      Promise.resolve(
        url === 'api/connect/session'
          ? Response.json({ session: 's', expires_at: 600 })
          : new Response('<html>Bad gateway</html>', { status: 502 }),
      );
    const transport = connectTransport(() => Promise.resolve('jwt'), page, () => 0);
    expect(await transport.send('GET', '/api/inbound/mailboxes')).toEqual({ status: 502, body: null });
  });
});

describe('when a session is renewed', () => {
  it('is a minute before its end', () => expect(renewAt(0, 600)).toBe(540));
  it('is after nine minutes at the latest', () => expect(renewAt(0, 86_400)).toBe(540));
  it('is after nine minutes for a browser whose clock runs ahead', () => expect(renewAt(10_000, 600)).toBe(10_540));
});

describe('the keeper of a session', () => {
  it('tries again after a failed exchange', async () => {
    let tries = 0;
    const keeper = new SessionKeeper(() => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error('no')) : Promise.resolve({ session: 'good', expires_at: 600 });
    }, () => 0);
    await expect(keeper.token()).rejects.toThrow('no');
    expect(await keeper.token()).toBe('good');
  });

  it('keeps a newer session when an older one is dropped', async () => {
    const keeper = new SessionKeeper(() => Promise.resolve({ session: 'new', expires_at: 600 }), () => 0);
    await keeper.token();
    keeper.drop('old');
    expect(await keeper.token()).toBe('new');
  });
});
