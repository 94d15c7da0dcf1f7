/** Presets: what is known of the mail servers of a provider, as the HTTP API has it. */
import type { Provider } from './mailboxes';
import type { Security } from './servers';

export interface PresetServer {
  host: string;
  port: number;
  security: Security;
}

export interface Preset {
  id: string;
  name: string;
  imap: PresetServer | null;
  pop3: PresetServer | null;
  username: 'address' | 'local';
  /** Ways to log in, best first. */
  auth: ('oauth' | 'password' | 'app_password')[];
  provider: Provider | null;
  authserv_id: string | null;
  remedy: string;
}

export interface Presets {
  presets: Preset[];
  suggested: string | null;
  /** Why a mailbox with this address cannot be read. */
  refused: string | null;
  /** The addresses that a mail server must let in. */
  egress: string[];
  /** Where people can sign in. */
  providers: Provider[];
}
