/** The keys of our modules in Jira, as connect/forge_manifest.py and connect/descriptor.py write them. */
export const ADMIN_PAGE = 'mailbridge-admin';
export const PROJECT_PAGE = 'mailbridge-project';
export const ISSUE_PANEL = 'mailbridge-issue';

/** Under Connect the page's own address says by which door it was opened, and the key of the project around it. */
export function doorIn(address: string): { module: string; projectKey: string | null } {
  const { searchParams } = new URL(address);
  return { module: searchParams.get('page') ?? ADMIN_PAGE, projectKey: searchParams.get('project.key') || null };
}

/** What our own server puts behind the `#` of the page's address: browsers keep it to themselves. */
export interface Errand {
  /** The secret of a set-up link. */
  setUp: string | null;
  /** Why a login by OpenID Connect failed: refused, expired or unavailable. */
  login: string | null;
}

export function errandIn(address: string): Errand {
  const said = new URLSearchParams(new URL(address).hash.slice(1));
  return { setUp: said.get('setup') || null, login: said.get('login') || null };
}
