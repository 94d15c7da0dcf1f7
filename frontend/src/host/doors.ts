/** The keys of our modules in Jira, as connect/forge_manifest.py and connect/descriptor.py write them. */
export const ADMIN_PAGE = 'mailbridge-admin';
export const PROJECT_PAGE = 'mailbridge-project';
export const ISSUE_PANEL = 'mailbridge-issue';

/** Under Connect the page's own address says by which door it was opened. */
export function doorIn(address: string): string {
  return new URL(address).searchParams.get('page') ?? ADMIN_PAGE;
}
