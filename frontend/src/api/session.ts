/** A page session: what a host's proof of identity is exchanged for, kept in memory and renewed in time. */
import { Problem, problemOf } from './problem';
import type { Answer, Connection, Method } from './transport';

export interface PageSession {
  session: string;
  /** Seconds since 1970 by the server's clock. */
  expires_at: number;
  /** The person administers Jira. */
  admin?: boolean;
  /** The id of the project that the person administers here, of the issue that they look at. */
  project?: string | null;
  issue?: string | null;
  /** How Mailbridge is attached, and the site as people see it; empty before there is one. */
  scheme?: string;
  site?: string;
}

/** The server lets a session live ten minutes; the browser's clock may be wrong, so its age counts too. */
const LONGEST_SECONDS = 9 * 60;
const MARGIN_SECONDS = 60;
const SHORTEST_SECONDS = 30;

/** When a session obtained at `now` is to be replaced, in the browser's seconds. */
export function renewAt(now: number, expiresAt: number): number {
  const left = expiresAt - now - MARGIN_SECONDS;
  // A browser whose clock runs ahead sees every session as expired: then only age and a 401 can tell.
  const life = left < SHORTEST_SECONDS ? LONGEST_SECONDS : Math.min(left, LONGEST_SECONDS);
  return now + life;
}

export class SessionKeeper {
  private held: { session: PageSession; until: number } | null = null;
  private underWay: Promise<PageSession> | null = null;

  constructor(
    private readonly exchange: () => Promise<PageSession>,
    private readonly now: () => number,
  ) {}

  /** A session that is good for at least a moment; callers at the same time share one exchange. */
  async session(): Promise<PageSession> {
    if (this.held !== null && this.now() < this.held.until) return this.held.session;
    this.underWay ??= this.renew().finally(() => {
      this.underWay = null;
    });
    return this.underWay;
  }

  async token(): Promise<string> {
    return (await this.session()).session;
  }

  /** Forgets `token` after a refusal, unless another caller has replaced it already. */
  drop(token: string): void {
    if (this.held?.session.session === token) this.held = null;
  }

  private async renew(): Promise<PageSession> {
    const got = await this.exchange();
    this.held = { session: got, until: renewAt(this.now(), got.expires_at) };
    return got;
  }
}

/** Sends with a page session, and once more with a new one when the first is refused: then nothing was done yet. */
export function sessionConnection(
  keeper: SessionKeeper,
  send: (token: string, method: Method, path: string, body?: unknown) => Promise<Answer>,
): Connection {
  return {
    async send(method, path, body) {
      const token = await keeper.token();
      const answer = await send(token, method, path, body);
      if (answer.status !== 401) return answer;
      keeper.drop(token);
      return send(await keeper.token(), method, path, body);
    },
    session: () => keeper.session(),
    async renew() {
      keeper.drop(await keeper.token());
      return keeper.session();
    },
  };
}

/** The session in the answer of an exchange. A refused exchange is not an ended session: reloading the page does not help. */
export function sessionIn(answer: Answer): PageSession {
  if (answer.status >= 400) throw notAccepted(problemOf(answer.status, answer.body));
  if (!isSession(answer.body)) throw new Problem(answer.status, 'Mailbridge gave no page session');
  return answer.body;
}

function notAccepted(problem: Problem): Problem {
  if (problem.status !== 401) return problem;
  const { status, detail, errors, requestId } = problem;
  return new Problem(status, 'Mailbridge could not tell who you are', detail, errors, requestId);
}

function isSession(body: unknown): body is PageSession {
  const said = body as Partial<PageSession> | null;
  return typeof said === 'object' && typeof said?.session === 'string' && typeof said.expires_at === 'number';
}
