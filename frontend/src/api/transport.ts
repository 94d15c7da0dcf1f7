/** How a request reaches Mailbridge's services: the one thing that differs between the hosts of this page. */

import type { PageSession } from './session';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Answer {
  status: number;
  /** The decoded JSON, or null where there was none. */
  body: unknown;
}

export interface Transport {
  /**
   * Sends one request on behalf of the person who looks at the page.
   *
   * An answer of any status is returned; a `Problem` is thrown only when there is no answer at all or the person
   * could not be identified. `path` begins with `/api/`.
   */
  send(method: Method, path: string, body?: unknown): Promise<Answer>;
}

/** A transport that knows on whose behalf it sends. */
export interface Connection extends Transport {
  /** Who looks at the page, and at what; a session that is good for at least a moment. */
  session(): Promise<PageSession>;
  /** The same anew, after what it says has changed. */
  renew(): Promise<PageSession>;
}
