/** How long mail is kept, and erasures, as the HTTP API has them. Instants are seconds since 1970 UTC. */

export interface KeepingBody {
  /** For which a mail's content, sender and subject are kept. */
  days: number;
  /** False: content is kept only until the mail is handled. */
  content: boolean;
}

export interface Keeping extends KeepingBody {
  default_days: number;
  /** What does not work without content. */
  stops: string[];
}

export interface Erasure {
  id: string;
  asked_by: string;
  asked_at: number;
  done_at: number | null;
  counts: Record<string, number> | null;
}
