/**
 * The transport of a page in a Forge app: every request goes through Jira (`invokeRemote`), which vouches for the person.
 *
 * Forge fills `Authorization` itself, so the page session travels as `X-Mailbridge-Session`. Source: Atlassian's Forge bridge 7.2.
 */
import { jsonIn } from './http';
import { Problem } from './problem';
import { sessionConnection, sessionIn, SessionKeeper } from './session';
import type { Answer, Connection, Method } from './transport';

export interface Invocation {
  path: string;
  method: Method;
  headers: Record<string, string>;
  body?: unknown;
}

/** The bridge's `invokeRemote`: what it answers is looked at before it is believed. */
export type InvokeRemote = (input: Invocation) => Promise<unknown>;

/** Forge gives a remote 25 seconds, and up to that nothing is late. */
export const FORGE_SECONDS = 25;
const PATIENCE_MS = (FORGE_SECONDS + 5) * 1000;

/** `now` is in seconds; `patienceMs` is after how long an answer is no longer waited for. */
export function forgeTransport(invoke: InvokeRemote, now: () => number, patienceMs: number = PATIENCE_MS): Connection {
  const send = async (headers: Record<string, string>, method: Method, path: string, body?: unknown): Promise<Answer> => {
    const json: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const input = { path, method, headers: { Accept: 'application/json', ...json, ...headers }, ...(body === undefined ? {} : { body }) };
    return answerIn(await within(invoke(input), patienceMs));
  };
  const exchange = async () => sessionIn(await send({}, 'POST', '/api/connect/session'));
  return sessionConnection(new SessionKeeper(exchange, now), (token, method, path, body) =>
    send({ 'X-Mailbridge-Session': token }, method, path, body),
  );
}

/** What the bridge gave back as an answer: bodies come decoded or as text. */
export function answerIn(given: unknown): Answer {
  const { status, body, message } = (given ?? {}) as { status?: unknown; body?: unknown; message?: unknown };
  if (typeof status !== 'number') {
    throw new Problem(0, 'Jira could not reach Mailbridge', typeof message === 'string' && message !== '' ? message : UNREACHED);
  }
  return { status, body: typeof body === 'string' ? jsonIn(body) : (body ?? null) };
}

const UNREACHED = 'Try again in a moment. If that does not help, tell whoever runs Mailbridge for you.';

async function within(answer: Promise<unknown>, patienceMs: number): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Problem(0, 'Mailbridge did not answer in time', `Jira waits ${FORGE_SECONDS} seconds for an answer. Try again in a moment.`));
    }, patienceMs);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    // The bridge refuses a flood of calls itself (500 in 25 seconds), and says so by an exception.
    throw new Problem(0, 'Jira could not reach Mailbridge', thrown instanceof Error ? thrown.message : UNREACHED);
  } finally {
    clearTimeout(timer);
  }
}
