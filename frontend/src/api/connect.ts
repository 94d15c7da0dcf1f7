/** The transport of a page framed by Jira under Connect: a context token is exchanged for a page session. */
import { request, type Fetch } from './http';
import { sessionConnection, sessionIn, SessionKeeper } from './session';
import type { Connection } from './transport';

/** `contextToken` asks the host for a fresh JWT of the person (`AP.context.getToken`); `now` is in seconds. */
export function connectTransport(contextToken: () => Promise<string>, fetch: Fetch, now: () => number): Connection {
  const exchange = async () => {
    const headers = { Authorization: `JWT ${await contextToken()}` };
    return sessionIn(await request(fetch, { method: 'POST', path: '/api/connect/session', headers }));
  };
  return sessionConnection(new SessionKeeper(exchange, now), (token, method, path, body) =>
    request(fetch, { method, path, body, headers: { Authorization: `Bearer ${token}` } }),
  );
}
