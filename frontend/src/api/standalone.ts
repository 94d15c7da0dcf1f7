/** A self-hosted page without a host around it: our own login's cookie is exchanged for a page session. */
import { request, type Fetch } from './http';
import { problemOf } from './problem';
import { sessionConnection, sessionIn, SessionKeeper } from './session';
import type { Connection, Method } from './transport';

/** What a page of another origin cannot send: the server takes our cookie only beside it. */
const FROM_THE_PAGE = { 'X-Mailbridge-Page': '1' };

/** `loggedOut` is told when the login has ended: there is no session until the person logs in again. `now` is in seconds. */
export function standaloneTransport(fetch: Fetch, now: () => number, loggedOut: () => void): Connection {
  const exchange = async () => {
    const answer = await request(fetch, { method: 'POST', path: '/api/connect/session', headers: FROM_THE_PAGE, withCookie: true });
    if (answer.status === 401) loggedOut();
    return sessionIn(answer);
  };
  return sessionConnection(new SessionKeeper(exchange, now), (token, method, path, body) =>
    request(fetch, { method, path, body, headers: { Authorization: `Bearer ${token}` } }),
  );
}

export interface LoginWays {
  password: boolean;
  /** The name of the OpenID provider, null where there is none. */
  oidc: string | null;
  logged_in: boolean;
}

export interface PageInfo {
  /** Where Connect's host script is. */
  allJs: string | null;
  /** Null: this Mailbridge has no login of its own. */
  login: LoginWays | null;
}

export function loginApi(fetch: Fetch) {
  async function call(method: Method, path: string, body?: unknown): Promise<unknown> {
    const answer = await request(fetch, { method, path, body, headers: FROM_THE_PAGE, withCookie: true });
    if (answer.status >= 400) throw problemOf(answer.status, answer.body);
    return answer.body;
  }
  return {
    async page(): Promise<PageInfo> {
      const said = (await call('GET', '/api/connect/page')) as Partial<PageInfo> | null;
      return { allJs: said?.allJs ?? null, login: said?.login ?? null };
    },
    login: (password: string) => call('POST', '/api/connect/login', { password }),
    /** `setup`: the secret of the link that Mailbridge printed when it started. */
    setUp: (setup: string, password: string) => call('POST', '/api/connect/login', { setup, password }),
    logout: () => call('POST', '/api/connect/logout'),
  };
}

export type LoginApi = ReturnType<typeof loginApi>;

/** Where the browser goes to log in by OpenID Connect; comes back to the page. */
export const OIDC_LOGIN = 'api/connect/login/oidc';
