/** What the page is to show: everything, the mail of one project, or the mail of one issue. */
import { ISSUE_PANEL, PROJECT_PAGE } from './doors';

export type View = { kind: 'admin' } | { kind: 'project'; project: Place } | { kind: 'issue'; issue: Place };

/** A project or an issue by its id; the key is known where the host tells it. */
export interface Place {
  id: string;
  key: string | null;
}

/** What a host says of the door that the person came in by. */
export interface Door {
  /** Our module's key, or what kind of module it is. */
  module: string;
  project: Place | null;
  issue: Place | null;
}

/**
 * What to show to whom came in by `door`, with the project and the issue that connect put into the session.
 *
 * The session counts first: connect has read it from what the host signed, and asked Jira about the person's rights. The host's own
 * word is only a name for the same thing, and what a person may not see the API refuses in any case.
 */
export function viewFor(door: Door, session: { project?: string | null; issue?: string | null }): View {
  if (door.module === ISSUE_PANEL || door.module === 'jira:issuePanel') {
    const issue = placeOf(session.issue, door.issue);
    if (issue !== null) return { kind: 'issue', issue };
  }
  if (door.module === PROJECT_PAGE || door.module === 'jira:projectSettingsPage') {
    const project = placeOf(session.project, door.project);
    if (project !== null) return { kind: 'project', project };
  }
  return { kind: 'admin' };
}

function placeOf(id: string | null | undefined, said: Place | null): Place | null {
  if (id === null || id === undefined) return said;
  return { id, key: said?.id === id ? said.key : null };
}

/** `{id, key}` as hosts write it, ids as text or as numbers; null where there is none. */
export function placeIn(value: unknown): Place | null {
  const { id, key } = (value ?? {}) as { id?: unknown; key?: unknown };
  if (typeof id !== 'string' && typeof id !== 'number') return null;
  return { id: String(id), key: typeof key === 'string' ? key : null };
}
