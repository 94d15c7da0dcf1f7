/** Instants (seconds since 1970) as people read them, in the browser's own language and time zone. */

const SAME_DAY: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
const SAME_YEAR: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
const OTHER_YEAR: Intl.DateTimeFormatOptions = { dateStyle: 'medium' };

/** Short: the time today, day and time this year, else the day. */
export function shortMoment(at: number, now: number = Date.now() / 1000): string {
  const [then, today] = [new Date(at * 1000), new Date(now * 1000)];
  if (then.toDateString() === today.toDateString()) return then.toLocaleTimeString(undefined, SAME_DAY);
  return then.toLocaleString(undefined, then.getFullYear() === today.getFullYear() ? SAME_YEAR : OTHER_YEAR);
}

export function fullMoment(at: number): string {
  return new Date(at * 1000).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
}

export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
