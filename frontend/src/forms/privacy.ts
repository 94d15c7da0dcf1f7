/** The privacy section without its looks. */
import { isAddress, type Errors } from './connection';

const MOST_DAYS = 3650;

/** Errors by the API's field names. */
export function checkKeeping(days: string): Errors {
  const number = Number(days);
  const isRight = /^\d+$/.test(days.trim()) && number >= 1 && number <= MOST_DAYS;
  return isRight ? {} : { days: `Give whole days from 1 to ${MOST_DAYS.toLocaleString('en')}.` };
}

export function addressError(address: string): Errors {
  return isAddress(address) ? {} : { address: 'Give the address of one person, such as carol@example.com.' };
}

const COUNTED: Readonly<Record<string, string>> = {
  mails: 'mails of theirs',
  contents: 'contents of mails that named them',
  rows: 'explanations that named them',
};

/** What a receipt counts, as words; what was not there is left out. */
export function countsInWords(counts: Readonly<Record<string, number>> | null): string {
  const parts = Object.entries(counts ?? {})
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${COUNTED[name] ?? name.replaceAll('_', ' ')}`);
  return parts.length === 0 ? 'Nothing was there' : parts.join(', ');
}
