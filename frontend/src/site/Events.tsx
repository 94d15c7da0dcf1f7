/** How Mailbridge learns what happens in Jira, and the webhook that an administrator keeps there. */
import Button from '@atlaskit/button/new';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Site } from '../api/types/site';
import { Confirm } from '../parts/Confirm';
import { Moment } from '../parts/Moment';
import { State } from '../parts/State';
import { WebhookValues } from './Webhook';
import { eventsSentence, eventsWord } from './words';

export function Events({ site, onRenew }: { site: Site; onRenew: (() => Promise<void>) | null }) {
  const { events, webhook } = site;
  if (events === null) return null;
  return (
    <>
      <div>
        <State word={eventsWord(events)} />
      </div>
      <p>{eventsSentence(events, webhook)}</p>
      {events.problem && (
        <SectionMessage appearance="warning" title="The last look into Jira failed">
          <p>{events.problem}</p>
        </SectionMessage>
      )}
      <dl className="mb-facts">
        {(events.way !== 'polling' || webhook !== null) && (
          <div>
            <dt>Last heard of Jira</dt>
            <dd>{events.heard_at === null ? 'Never' : <Moment at={events.heard_at} />}</dd>
          </div>
        )}
        {events.polled_at !== null && (
          <div>
            <dt>Last asked Jira</dt>
            <dd>
              <Moment at={events.polled_at} />
            </dd>
          </div>
        )}
      </dl>
      {webhook && (
        <details className="mb-details" open={webhook.heard_at === null || undefined}>
          <summary>The webhook in Jira</summary>
          <WebhookValues webhook={webhook} events={events} />
          {onRenew && <RenewSecret onRenew={onRenew} />}
        </details>
      )}
    </>
  );
}

/** Somebody may have seen the secret: a new one takes its place, and has to be pasted into Jira. */
function RenewSecret({ onRenew }: { onRenew: () => Promise<void> }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <div className="mb-after">
      <Button appearance="subtle" onClick={() => setAsking(true)}>
        Make a new secret
      </Button>
      <ModalTransition>
        {isAsking && (
          <Confirm title="Make a new secret?" action="Make a new secret" onClose={() => setAsking(false)} onConfirm={onRenew}>
            <p>The old one counts no more. Until you have pasted the new one into Jira’s webhook, Mailbridge asks Jira for changes itself.</p>
          </Confirm>
        )}
      </ModalTransition>
    </div>
  );
}
