/** The first screen of a self-hosted Mailbridge: attach Jira, then see to it that Jira tells what happens. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import type { Site } from '../api/types/site';
import { ProblemMessage } from '../parts/ProblemMessage';
import { ScreenTitle } from '../parts/ScreenTitle';
import { usePolled } from '../parts/usePolled';
import { AttachForm } from './AttachForm';
import { WebhookValues } from './Webhook';
import { eventsSentence } from './words';

interface Props {
  api: Api;
  onDone: () => void;
  onLogOut: () => Promise<void>;
}

export function FirstScreen({ api, onDone, onLogOut }: Props) {
  const [attached, setAttached] = useState<Site | null>(null);
  return (
    <main className="mb-page mb-narrow">
      <header className="mb-header mb-bar">
        <ScreenTitle key={attached ? 'events' : 'attach'}>{attached ? 'Jira is attached' : 'Attach your Jira'}</ScreenTitle>
        <Button appearance="subtle" onClick={onLogOut}>
          Log out
        </Button>
      </header>
      {attached ? (
        <Events api={api} first={attached} onDone={onDone} />
      ) : (
        <>
          <p className="mb-header">
            Step 1 of 2. No app is needed: an account’s API token is enough. Mailbridge first looks what the account may do and tells you;
            nothing is kept before you say so.
          </p>
          <AttachForm api={api} onAttached={setAttached} />
        </>
      )}
    </main>
  );
}

const REFRESH_SECONDS = 3;

function Events({ api, first, onDone }: { api: Api; first: Site; onDone: () => void }) {
  const load = useCallback(() => api.site(), [api]);
  const { data, problem } = usePolled(load, REFRESH_SECONDS);
  const site = data ?? first;
  const hasHeard = site.webhook === null || site.webhook.heard_at !== null;
  return (
    <div className="mb-form">
      <p>
        Step 2 of 2. {site.site} is attached. {site.webhook ? 'Let Jira tell Mailbridge what happens, so that mail goes out within seconds.' : ''}
      </p>
      {problem && <ProblemMessage problem={problem} />}
      {site.webhook && <WebhookValues webhook={site.webhook} events={site.events} />}
      {!site.webhook && site.events && (
        <SectionMessage appearance="information" title="Mailbridge asks Jira for changes">
          <p>{eventsSentence(site.events, null)}</p>
        </SectionMessage>
      )}
      <div className="mb-actions">
        <Button appearance={hasHeard ? 'primary' : 'default'} onClick={onDone}>
          {hasHeard ? 'Go on to the mailboxes' : 'Do this later'}
        </Button>
      </div>
    </div>
  );
}
