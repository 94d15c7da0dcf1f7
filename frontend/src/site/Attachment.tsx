/** By which way and account Jira is attached; a self-hosted page changes the token, or detaches the site. */
import Button from '@atlaskit/button/new';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Site } from '../api/types/site';
import { Confirm } from '../parts/Confirm';
import type { Notify } from '../parts/Notices';
import { AttachForm } from './AttachForm';
import { Card } from './Card';
import { TokenFact } from './Token';
import { schemeName } from './words';

interface Props {
  site: Site;
  api: Api;
  notify: Notify;
  /** Told when a self-hosted page no longer has a Jira; null where Jira itself frames the page. */
  onDetached: (() => void) | null;
  onChanged: () => Promise<void>;
}

export function Attachment({ site, api, notify, onDetached, onChanged }: Props) {
  const [isChanging, setChanging] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const isOurs = site.scheme === 'token' && onDetached !== null;
  return (
    <Card title="How Jira is attached">
      <dl className="mb-facts">
        <div>
          <dt>Site</dt>
          <dd>{site.site ?? 'Not told'}</dd>
        </div>
        <div>
          <dt>Way</dt>
          <dd>{schemeName(site.scheme)}</dd>
        </div>
        <div>
          <dt>Account</dt>
          <dd>
            {site.account?.name ?? 'Not known yet'}
            {site.email && <div className="mb-quiet">{site.email}</div>}
          </dd>
        </div>
        <TokenFact expiresAt={site.token_expires_at} />
      </dl>
      {isOurs && !isChanging && (
        <div className="mb-actions">
          <Button onClick={() => setChanging(true)}>Change the token</Button>
          <Button appearance="subtle" onClick={() => setLeaving(true)}>
            Detach this Jira
          </Button>
        </div>
      )}
      {isChanging && (
        <div className="mb-form">
          <AttachForm
            api={api}
            site={site}
            onAttached={() => {
              setChanging(false);
              notify('success', 'Jira is attached with the new token');
              void onChanged();
            }}
          />
          <div>
            <Button appearance="subtle" onClick={() => setChanging(false)}>
              Leave it as it is
            </Button>
          </div>
        </div>
      )}
      <ModalTransition>
        {isLeaving && onDetached && (
          <Confirm
            title="Detach this Jira?"
            action="Detach"
            onClose={() => setLeaving(false)}
            onConfirm={async () => {
              await api.detachSite();
              onDetached();
            }}
          >
            <p>
              Mailbridge forgets {site.site} and everything that it knows of it: the API token, the mailboxes, what came in and what was sent.
              Issues and comments stay in Jira, and mail stays on the mail server.
            </p>
          </Confirm>
        )}
      </ModalTransition>
    </Card>
  );
}
