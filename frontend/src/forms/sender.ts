/** The form of outgoing mail without its looks: what is typed, what is wrong with it, what is sent. */
import type { Sender, SenderBody } from '../api/types/outgoing';
import type { Security } from '../api/types/servers';
import { addressesIn, hostError, isAddress, onlyErrors, portAfter, portError, required, SMTP_PORTS, type Errors } from './connection';

export interface SenderDraft {
  host: string;
  port: string;
  security: Security;
  username: string;
  /** Empty: the stored password stays. */
  secret: string;
  fromName: string;
  fromAddress: string;
  windowSeconds: string;
  validateCertificate: boolean;
  /** Addresses, one a line. */
  told: string;
}

/** The API's names of the fields that the form shows. */
export const SENDER_FIELDS: readonly string[] = [
  'host',
  'port',
  'security',
  'username',
  'secret',
  'from_name',
  'from_address',
  'window_seconds',
  'told',
];

/** The longest that the service takes. */
export const LONGEST_WINDOW = 600;

/** How many may be told. */
export const MOST_TOLD = 10;

export function blankSender(): SenderDraft {
  return {
    host: '',
    port: String(SMTP_PORTS.starttls),
    security: 'starttls',
    username: '',
    secret: '',
    fromName: '',
    fromAddress: '',
    windowSeconds: '5',
    validateCertificate: true,
    told: '',
  };
}

export function draftOfSender(sender: Sender): SenderDraft {
  return {
    host: sender.host,
    port: String(sender.port),
    security: sender.security,
    username: sender.username,
    secret: '',
    fromName: sender.from_name,
    fromAddress: sender.from_address,
    windowSeconds: String(sender.window_seconds),
    validateCertificate: sender.validate_certificate,
    told: sender.told.join('\n'),
  };
}

export function withSenderSecurity(draft: SenderDraft, security: Security): SenderDraft {
  return { ...draft, security, port: portAfter(SMTP_PORTS, draft.port, draft.security, security) };
}

/** Errors by the API's field names. A server may need no login: then user name and password are both empty. */
export function checkSender(draft: SenderDraft, hasSecret: boolean): Errors {
  const noSecret = draft.secret === '' && !hasSecret;
  return onlyErrors({
    host: hostError(draft.host),
    port: portError(draft.port),
    secret: draft.username.trim() !== '' && noSecret ? 'Give the password for this user name.' : null,
    username: draft.secret === '' ? null : required(draft.username, 'Give the user name for this password.'),
    from_address: isAddress(draft.fromAddress) ? null : 'Give the address that mail is sent from.',
    window_seconds: windowError(draft.windowSeconds),
    told: toldError(addressesIn(draft.told)),
  });
}

function toldError(addresses: readonly string[]): string | null {
  const wrong = addresses.find((one) => !isAddress(one));
  if (wrong !== undefined) return `“${wrong}” is not an address such as admin@example.com.`;
  return addresses.length > MOST_TOLD ? `Name ${MOST_TOLD} addresses at most.` : null;
}

function windowError(seconds: string): string | null {
  const valid = /^\d+(\.\d+)?$/.test(seconds.trim()) && Number(seconds) <= LONGEST_WINDOW;
  return valid ? null : `Give a number of seconds, at most ${LONGEST_WINDOW}.`;
}

export function senderConnectionOf(draft: SenderDraft): string {
  const { host, port, security, username, secret, fromAddress, validateCertificate } = draft;
  return JSON.stringify([host, port, security, username, secret, fromAddress, validateCertificate]);
}

export function senderBody(draft: SenderDraft): SenderBody {
  return {
    host: draft.host.trim(),
    port: Number(draft.port),
    security: draft.security,
    username: draft.username.trim(),
    ...(draft.secret === '' ? {} : { secret: draft.secret }),
    from_name: draft.fromName.trim(),
    from_address: draft.fromAddress.trim(),
    window_seconds: Number(draft.windowSeconds),
    validate_certificate: draft.validateCertificate,
    told: addressesIn(draft.told),
  };
}
