/** Rights, scopes and findings as one kind of list: what was looked at, how it stands, and what to do about it. */
import type { Finding } from '../api/types/lookup';
import type { Right, Scope } from '../api/types/site';
import type { Word } from '../parts/words';

export interface Check {
  key: string;
  label: string;
  /** Null: it could not be found out. */
  ok: boolean | null;
  /** Why it matters, or what was seen. */
  detail: string | null;
  remedy: string | null;
}

export function rightsAsChecks(rights: readonly Right[]): Check[] {
  return rights.map(({ right, where, ok, remedy, for: purpose }) => ({
    key: `${right} ${where}`,
    label: where === 'global' ? rightName(right) : `${rightName(right)} (${where.replace(/^project /, '')})`,
    ok,
    // The server says what stops without a right: of one that is there it would read wrong.
    detail: ok === true ? null : purpose,
    remedy,
  }));
}

export function scopesAsChecks(scopes: readonly Scope[]): Check[] {
  return scopes.map(({ name, granted, why, remedy }) => ({ key: name, label: name, ok: granted, detail: why, remedy }));
}

export function findingsAsChecks(findings: readonly Finding[]): Check[] {
  return findings.map(({ what, ok, detail, remedy }, index) => ({ key: `${index} ${what}`, label: what, ok, detail, remedy }));
}

/** What lacks first, then what is not known: that is what people have to act upon. */
export function mostUrgentFirst(checks: readonly Check[]): Check[] {
  const urgency = (check: Check) => (check.ok === false ? 0 : check.ok === null ? 1 : 2);
  return [...checks].sort((one, other) => urgency(one) - urgency(other));
}

export function isMissing(check: Pick<Check, 'ok'>): boolean {
  return check.ok === false;
}

export function wordOf(check: Pick<Check, 'ok'>): Word {
  if (check.ok === null) return { label: 'Not known', appearance: 'neutral' };
  return check.ok ? { label: 'OK', appearance: 'success' } : { label: 'Missing', appearance: 'danger' };
}

/** As Jira's own permission pages call them. */
const NAMES: Readonly<Record<string, string>> = {
  ADMINISTER: 'Administer Jira',
  ADMINISTER_PROJECTS: 'Administer projects',
  USER_PICKER: 'Browse users and groups',
  BROWSE_PROJECTS: 'Browse projects',
  CREATE_ISSUES: 'Create issues',
  EDIT_ISSUES: 'Edit issues',
  MODIFY_REPORTER: 'Modify reporter',
  ADD_COMMENTS: 'Add comments',
  CREATE_ATTACHMENTS: 'Create attachments',
  ASSIGNABLE_USER: 'Assignable user',
  VIEW_VOTERS_AND_WATCHERS: 'View voters and watchers',
};

export function rightName(right: string): string {
  const plain = right.toLowerCase().replaceAll('_', ' ');
  return NAMES[right] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}
