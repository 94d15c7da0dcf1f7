/** Choosing the password of a self-hosted Mailbridge. */
import { onlyErrors, type Errors } from './connection';

export const SHORTEST_PASSWORD = 12;

export function checkPassword(password: string, again: string): Errors {
  const isShort = Array.from(password).length < SHORTEST_PASSWORD;
  return onlyErrors({
    password: isShort ? `Choose at least ${SHORTEST_PASSWORD} characters; a few words with spaces are easy to remember.` : null,
    again: !isShort && again !== password ? 'This is not the same password.' : null,
  });
}
