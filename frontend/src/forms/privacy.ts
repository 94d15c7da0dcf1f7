/** The privacy section without its looks. */
import type { Keeping } from '../api/types';
import { isAddress, type Errors } from './connection';

const MOST_DAYS = 3650;

/** Errors by the API's field names. */
export function checkKeeping(days: string, content: boolean): Errors {
  if (!content) return {};
  const number = Number(days);
  const isRight = /^\d+$/.test(days.trim()) && number >= 1 && number <= MOST_DAYS;
  return isRight ? {} : { days: `Give whole days from 1 to ${MOST_DAYS.toLocaleString('en')}.` };
}

/** Without the content the days stay as they were stored. */
export function keepingBody(days: string, content: boolean, stored: Keeping): Keeping {
  return { days: content ? Number(days) : stored.days, content };
}

export function addressError(address: string): Errors {
  return isAddress(address) ? {} : { address: 'Give the address of one person, such as carol@example.com.' };
}

/** `{"mails": 3, "addresses": 1}` as words. */
export function countsInWords(counts: Readonly<Record<string, number>> | null): string {
  const parts = Object.entries(counts ?? {}).map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`);
  return parts.length === 0 ? '–' : parts.join(', ');
}
