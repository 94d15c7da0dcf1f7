/** The transport of a page framed by Jira under Connect: a context token is exchanged for a page session. */
import { Problem, problemOf } from './problem';
import { SessionKeeper, type PageSession } from './session';
import type { Answer, Method, Transport } from './transport';

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** `contextToken` asks the host for a fresh JWT of the person (`AP.context.getToken`); `now` is in seconds. */
export function connectTransport(contextToken: () => Promise<string>, fetch: Fetch, now: () => number): Transport {
  const keeper = new SessionKeeper(() => exchange(contextToken, fetch), now);
  return {
    async send(method, path, body) {
      const token = await keeper.token();
      const answer = await request(fetch, method, path, `Bearer ${token}`, body);
      if (answer.status !== 401) return answer;
      // Refused before anything was done: with a new session the request may be sent again, once.
      keeper.drop(token);
      return request(fetch, method, path, `Bearer ${await keeper.token()}`, body);
    },
  };
}

async function exchange(contextToken: () => Promise<string>, fetch: Fetch): Promise<PageSession> {
  const answer = await request(fetch, 'POST', '/api/connect/session', `JWT ${await contextToken()}`);
  if (answer.status >= 400) throw notAccepted(problemOf(answer.status, answer.body));
  if (!isSession(answer.body)) throw new Problem(answer.status, 'Mailbridge gave no page session');
  return answer.body;
}

/** A refused exchange is not an ended session: reloading the page does not help. */
function notAccepted(problem: Problem): Problem {
  if (problem.status !== 401) return problem;
  const { status, detail, errors, requestId } = problem;
  return new Problem(status, 'Mailbridge could not tell who you are', detail, errors, requestId);
}

/** One HTTP request. Paths are taken relative to the page: it stands beside the API behind one address. */
export async function request(
  fetch: Fetch,
  method: Method,
  path: string,
  authorization: string | null,
  body?: unknown,
): Promise<Answer> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (authorization !== null) headers.Authorization = authorization;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path.replace(/^\//, ''), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    throw new Problem(0, 'Mailbridge cannot be reached', 'Check that its server runs and that your network lets you reach it.');
  }
  return { status: response.status, body: await jsonOf(response) };
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text()) as unknown;
  } catch {
    return null;
  }
}

function isSession(body: unknown): body is PageSession {
  const said = body as Partial<PageSession> | null;
  return typeof said === 'object' && typeof said?.session === 'string' && typeof said.expires_at === 'number';
}
