/** A page session: what a host's proof of identity is exchanged for, kept in memory and renewed in time. */

export interface PageSession {
  session: string;
  /** Seconds since 1970 by the server's clock. */
  expires_at: number;
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
  private held: { token: string; until: number } | null = null;
  private underWay: Promise<string> | null = null;

  constructor(
    private readonly exchange: () => Promise<PageSession>,
    private readonly now: () => number,
  ) {}

  /** A session that is good for at least a moment; callers at the same time share one exchange. */
  async token(): Promise<string> {
    if (this.held !== null && this.now() < this.held.until) return this.held.token;
    this.underWay ??= this.renew().finally(() => {
      this.underWay = null;
    });
    return this.underWay;
  }

  /** Forgets `token` after a refusal, unless another caller has replaced it already. */
  drop(token: string): void {
    if (this.held?.token === token) this.held = null;
  }

  private async renew(): Promise<string> {
    const got = await this.exchange();
    this.held = { token: got.session, until: renewAt(this.now(), got.expires_at) };
    return got.session;
  }
}
