/** The outgoing server and what was sent by it, as the HTTP API has them. Instants are seconds since 1970 UTC. */
import type { Security } from './servers';

interface Settings {
  host: string;
  port: number;
  security: Security;
  username: string;
  from_name: string;
  from_address: string;
  window_seconds: number;
  validate_certificate: boolean;
}

export interface Sender extends Settings {
  /** Who is told when a mailbox needs an administrator; empty: whoever connected it. */
  told: string[];
  has_secret: boolean;
  state: string;
  last_error: string | null;
}

export interface SenderBody extends Settings {
  told: string[];
  /** Left out when the stored one stays. */
  secret?: string;
}

export type DeliveryState = 'pending' | 'sending' | 'sent' | 'skipped' | 'failed' | 'bounced';

export interface Delivery {
  id: string;
  created_at: number;
  issue_key: string | null;
  recipient: string;
  /** notify: an account whose address nobody tells; Jira itself sends the mail. */
  kind: 'account' | 'address' | 'notify';
  event: string | null;
  state: DeliveryState;
  reason: string | null;
  sent_at: number | null;
  error: string | null;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  next: string | number | null;
}

/** A letter to somebody who has to do something about a mailbox, or to the sender of a mail that was too large; or why nobody got one. */
export interface AdminLetter {
  id: string;
  created_at: number;
  kind: 'reconnect' | 'expiring' | 'trouble' | 'oversized';
  mailbox: string;
  mailbox_id: string;
  subject: string;
  /** Empty: nobody, or not known yet. */
  recipient: string;
  state: DeliveryState;
  reason: string;
  sent_at: number | null;
  error: string | null;
}

export interface AdminLetterPage {
  letters: AdminLetter[];
  next: string | null;
}
