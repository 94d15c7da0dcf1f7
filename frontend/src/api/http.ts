/** One HTTP request over `fetch`, with whatever identifies the person. */
import { Problem } from './problem';
import type { Answer, Method } from './transport';

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface Request {
  method: Method;
  /** Taken relative to the page: it stands beside the API behind one address. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Also sends the cookie of our own login. */
  withCookie?: boolean;
}

/** Any answer is returned; throws a `Problem` of status 0 when there is none. */
export async function request(fetch: Fetch, { method, path, headers = {}, body, withCookie = false }: Request): Promise<Answer> {
  const json: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  let response: Response;
  try {
    response = await fetch(path.replace(/^\//, ''), {
      method,
      headers: { Accept: 'application/json', ...json, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: withCookie ? 'same-origin' : 'omit',
    });
  } catch {
    throw new Problem(0, 'Mailbridge cannot be reached', 'Check that its server runs and that your network lets you reach it.');
  }
  return { status: response.status, body: jsonIn(await response.text()) };
}

/** The decoded text, null where it is no JSON (nothing at all, a proxy's page). */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
