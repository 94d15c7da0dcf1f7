/** How an attached Jira stands, in words. Instants are seconds since 1970. */
import type { Scheme, Site, SiteEvents, Webhook } from '../api/types/site';
import type { Word } from '../parts/words';

const SCHEMES: Readonly<Record<Scheme, string>> = {
  forge: 'As a Forge app',
  connect: 'As a Connect app',
  token: 'By an API token',
};

export function schemeName(scheme: Scheme | null): string {
  return scheme === null ? 'Not attached' : SCHEMES[scheme];
}

export const SITE_STATES: Readonly<Record<string, Word>> = {
  installed: { label: 'Attached', appearance: 'success' },
  enabled: { label: 'Attached', appearance: 'success' },
  trouble: { label: 'Trouble', appearance: 'danger' },
  silent: { label: 'Not heard of for long', appearance: 'warning' },
  new: { label: 'Not attached', appearance: 'neutral' },
  disabled: { label: 'Switched off in Jira', appearance: 'warning' },
  removed: { label: 'Removed', appearance: 'danger' },
};

export function isAttached(site: Pick<Site, 'scheme' | 'site' | 'state'> | null): boolean {
  return site !== null && site.state !== 'new' && Boolean(site.scheme) && Boolean(site.site);
}

const SOON_DAYS = 14;
const DAY = 86_400;

/** How long a token is good for; null where nobody told when it expires. */
export function expiryWord(at: number | null, now: number = Date.now() / 1000): Word | null {
  if (at === null) return null;
  const days = Math.floor((at - now) / DAY);
  if (at <= now) return { label: 'Expired', appearance: 'danger' };
  if (days === 0) return { label: 'Expires today', appearance: 'danger' };
  const label = `Expires in ${days} ${days === 1 ? 'day' : 'days'}`;
  return { label, appearance: days <= SOON_DAYS ? 'warning' : 'neutral' };
}

/** How Mailbridge comes to know what happens in Jira, as a lozenge. */
export function eventsWord({ way, heard_at, polled_at }: SiteEvents): Word {
  if (heard_at !== null) return { label: 'Jira’s events arrive', appearance: 'success' };
  if (way === 'polling') return { label: polled_at === null ? 'Asks Jira itself soon' : 'Asks Jira itself', appearance: 'information' };
  return { label: 'Waiting for the first event', appearance: 'warning' };
}

/** The same as a sentence; `null` where a moment says it all. */
export function eventsSentence({ way, every, heard_at }: SiteEvents, webhook: Webhook | null): string {
  const looks = `Mailbridge asks Jira for changes every ${seconds(every)}`;
  if (way === 'polling') {
    return webhook === null ? `Jira cannot reach this server: ${looks.charAt(0).toUpperCase()}${looks.slice(1)}.` : `Until Jira tells of its own accord, ${looks}.`;
  }
  const teller = way === 'forge' ? 'Forge' : 'Jira';
  if (heard_at === null) return `${teller} tells Mailbridge of each change. Nothing has been heard yet: it comes with the next change.`;
  return `${teller} tells Mailbridge of each change; what gets lost on the way is found by asking.`;
}

function seconds(every: number | null): string {
  if (every === null) return 'few seconds';
  if (every >= 120 && every % 60 === 0) return `${every / 60} minutes`;
  return every === 1 ? 'second' : `${every} seconds`;
}

export function emailApiWord(state: string, scheme: Scheme | null): Word {
  if (scheme === 'token') return { label: 'For apps only', appearance: 'neutral' };
  if (state === 'works') return { label: 'Works', appearance: 'success' };
  if (state === 'refused') return { label: 'Not open to this app', appearance: 'warning' };
  return { label: 'Not tried yet', appearance: 'neutral' };
}

export function emailApiSentence(state: string): string {
  if (state === 'works') return 'Mailbridge may read the addresses of people who are to get mail, also where they hide them.';
  return (
    'Mailbridge cannot read addresses that people hide. It uses those it may see, then the look-up user, and lets Jira itself notify ' +
    'whoever is left, so that nobody is forgotten.'
  );
}
