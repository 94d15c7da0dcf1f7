/** An issue's key, as a link into the Jira around the page where its address is known. */
import { createContext, useContext } from 'react';

/** Jira's own address, null while the host has not told it. */
export const SiteContext = createContext<string | null>(null);

export function IssueLink({ issue }: { issue: string }) {
  const site = useContext(SiteContext);
  if (site === null) return <span className="mb-key">{issue}</span>;
  return (
    <a
      className="mb-key"
      href={`${site}/browse/${encodeURIComponent(issue)}`}
      target="_blank"
      rel="noopener noreferrer"
      onClick={(event) => event.stopPropagation()}
    >
      {issue}
    </a>
  );
}
