/** Why nobody is logged in, in words. */

const FAILURES: Readonly<Record<string, string>> = {
  refused: 'This account may not use Mailbridge. Whoever runs it decides which addresses may.',
  expired: 'The login took too long, or was finished in another browser. Try again.',
  unavailable: 'The login service does not answer. Try again in a moment.',
};

/** Why a login by OpenID Connect failed; null where none did. */
export function loginFailure(word: string | null): string | null {
  return word === null ? null : (FAILURES[word] ?? 'The login failed. Try again.');
}
