/** What stands here when the page is opened without Jira around it, or when Jira does not answer. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';

export function Outside() {
  return (
    <main className="mb-page mb-narrow mb-alone">
      <Heading size="large" as="h1">
        Mailbridge for Jira
      </Heading>
      <p>
        This is the administration page of Mailbridge, which turns email into Jira issues and comments, and comments into email. It
        works inside Jira, where it knows who you are.
      </p>
      <Heading size="small" as="h2">
        How to open it
      </Heading>
      <ol className="mb-steps">
        <li>Go to your Jira as an administrator.</li>
        <li>Open the settings menu and choose Apps.</li>
        <li>Choose Mailbridge in the section Mail.</li>
      </ol>
    </main>
  );
}

export function NoAnswer({ reason, onRetry }: { reason: string; onRetry: () => void }) {
  return (
    <main className="mb-page mb-narrow mb-alone">
      <Heading size="large" as="h1">
        Mailbridge
      </Heading>
      <div role="alert">
        <SectionMessage appearance="error" title="This page could not be started">
          <p>{reason}</p>
          <p>Reload the page in Jira. If that does not help, tell whoever runs Mailbridge for you.</p>
        </SectionMessage>
      </div>
      <div>
        <Button onClick={onRetry}>Try again</Button>
      </div>
    </main>
  );
}
