/** What the form of a mailbox and the form of outgoing mail share: ports by security, addresses, hosts. */
import type { Security } from '../api/types/servers';

export type Errors = Record<string, string>;

export const SECURITIES: readonly { value: Security; label: string }[] = [
  { value: 'tls', label: 'TLS from the start' },
  { value: 'starttls', label: 'STARTTLS' },
  { value: 'none', label: 'None (not encrypted)' },
];

export const IMAP_PORTS: Readonly<Record<Security, number>> = { tls: 993, starttls: 143, none: 143 };
export const POP3_PORTS: Readonly<Record<Security, number>> = { tls: 995, starttls: 110, none: 110 };
export const SMTP_PORTS: Readonly<Record<Security, number>> = { tls: 465, starttls: 587, none: 25 };

/** The port after a change of security: the usual one, unless the person typed a port of their own. */
export function portAfter(ports: Readonly<Record<Security, number>>, port: string, before: Security, after: Security): string {
  const untouched = port.trim() === '' || Number(port) === ports[before];
  return untouched ? String(ports[after]) : port;
}

export function portError(port: string): string | null {
  const number = Number(port);
  const valid = /^\d+$/.test(port.trim()) && number >= 1 && number <= 65535;
  return valid ? null : 'Give a port between 1 and 65535.';
}

export function hostError(host: string): string | null {
  if (host.trim() === '') return 'Give the name of the mail server.';
  if (/[\s/@]|:\/\//.test(host.trim())) return 'Give the server’s name alone, such as mail.example.com.';
  return null;
}

export function isAddress(text: string): boolean {
  return /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(text.trim());
}

/** The addresses in a text, one a line or with commas between them. */
export function addressesIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((one) => one !== '');
}

export function required(value: string, sentence: string): string | null {
  return value.trim() === '' ? sentence : null;
}

/** The errors that are there: entries without a sentence fall out. */
export function onlyErrors(checks: Record<string, string | null>): Errors {
  return Object.fromEntries(Object.entries(checks).filter((entry): entry is [string, string] => entry[1] !== null));
}
