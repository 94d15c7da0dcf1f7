/** What an administrator pastes into Jira's own form for webhooks, and whether the first event has come. */
import SectionMessage from '@atlaskit/section-message';
import type { SiteEvents, Webhook } from '../api/types/site';
import { CopyField } from '../parts/CopyField';
import { Moment } from '../parts/Moment';
import { eventsSentence } from './words';

interface Props {
  webhook: Webhook;
  events: SiteEvents | null;
}

export function WebhookValues({ webhook, events }: Props) {
  return (
    <div className="mb-group">
      <ol className="mb-steps">
        <li>In Jira open the settings, then “System”, and there “WebHooks”. Create a webhook.</li>
        <li>
          Paste these values:
          <div className="mb-group">
            <CopyField label="URL" value={webhook.url} />
            <CopyField label="Secret" value={webhook.secret} isSecret hint="By it Mailbridge knows that an event comes from your Jira." />
            {webhook.jql !== '' && <CopyField label="JQL" value={webhook.jql} hint="Only events of these issues are sent." />}
          </div>
        </li>
        <li>
          Tick these events:
          <ul className="mb-list">
            {webhook.events.map((event) => (
              <li key={event}>{eventName(event)}</li>
            ))}
          </ul>
        </li>
        <li>Save the webhook, then change an issue: Mailbridge tells below that it heard of it.</li>
      </ol>
      <div role="status">
        {webhook.heard_at === null ? (
          <SectionMessage appearance="information" title="Waiting for the first event…">
            <p>{events ? eventsSentence(events, webhook) : 'It comes with the next change in Jira.'}</p>
          </SectionMessage>
        ) : (
          <SectionMessage appearance="success" title="Jira’s events arrive">
            <p>
              The last one came at <Moment at={webhook.heard_at} />.
            </p>
          </SectionMessage>
        )}
      </div>
    </div>
  );
}

/** As Jira's form calls them; the name in brackets is the one in the event itself. */
const EVENT_NAMES: Readonly<Record<string, string>> = {
  'jira:issue_created': 'Issue: created',
  'jira:issue_updated': 'Issue: updated',
  'jira:issue_deleted': 'Issue: deleted',
  comment_created: 'Comment: created',
  comment_updated: 'Comment: updated',
  comment_deleted: 'Comment: deleted',
};

function eventName(event: string): string {
  const name = EVENT_NAMES[event];
  return name === undefined ? event : `${name} (${event})`;
}
