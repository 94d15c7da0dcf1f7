/** How Jira is attached: by which way and account, what is granted, what is heard, and what needs somebody's attention. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { useCallback, useState, type ReactNode } from 'react';
import type { Api } from '../api/client';
import type { Site } from '../api/types/site';
import { CheckList } from '../parts/CheckList';
import { Confirm } from '../parts/Confirm';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { wordFor } from '../parts/words';
import { AttachForm } from './AttachForm';
import { isMissing, rightsAsChecks, scopesAsChecks } from './checks';
import { LookupUser } from './LookupUser';
import { WebhookValues } from './Webhook';
import { emailApiSentence, emailApiWord, eventsSentence, eventsWord, expiryWord, schemeName, SITE_STATES } from './words';

interface Props {
  api: Api;
  notify: Notify;
  /** Told when a self-hosted page no longer has a Jira; null where Jira itself frames the page. */
  onDetached: (() => void) | null;
}

const REFRESH_SECONDS = 5;

export function JiraTab({ api, notify, onDetached }: Props) {
  const load = useCallback(() => api.site(), [api]);
  const { data: site, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <section className="mb-part" aria-labelledby="jira-heading">
      <div className="mb-bar">
        <Heading size="medium" as="h2" id="jira-heading">
          Jira
        </Heading>
        {site && <State word={wordFor(SITE_STATES, site.state)} />}
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {site === null && !problem && <Spinner label="Loading how Jira is attached" />}
      {site && (
        <div className="mb-cards">
          {site.problem && (
            <SectionMessage appearance="error" title={site.problem.title}>
              {site.problem.detail && <p>{site.problem.detail}</p>}
              {site.problem.remedy && (
                <p>
                  <strong>What to do:</strong> {site.problem.remedy}
                </p>
              )}
            </SectionMessage>
          )}
          {site.notice && (
            <SectionMessage appearance="warning">
              <p>{site.notice}</p>
            </SectionMessage>
          )}
          <Attachment site={site} api={api} notify={notify} onDetached={onDetached} onChanged={refresh} />
          <Granted site={site} />
          {site.events && (
            <Card title="Events">
              <Events
                site={site}
                onRenew={
                  site.scheme === 'token'
                    ? async () => {
                        await api.renewWebhookSecret();
                        await refresh();
                      }
                    : null
                }
              />
            </Card>
          )}
          <LookupUser api={api} notify={notify} />
          {site.email_api && (
            <Card title="E-mail addresses of Jira users" word={<State word={emailApiWord(site.email_api.state, site.scheme)} />}>
              <p>{emailApiSentence(site.email_api.state)}</p>
              {site.email_api.checked_at !== null && (
                <p className="mb-quiet">
                  Last tried at <Moment at={site.email_api.checked_at} />.
                </p>
              )}
            </Card>
          )}
        </div>
      )}
    </section>
  );
}

function Card({ title, word, children }: { title: string; word?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-card" aria-label={title}>
      <div className="mb-card-head">
        <Heading size="small" as="h3">
          {title}
        </Heading>
        {word}
      </div>
      {children}
    </section>
  );
}

interface AttachmentProps extends Props {
  site: Site;
  onChanged: () => Promise<void>;
}

function Attachment({ site, api, notify, onDetached, onChanged }: AttachmentProps) {
  const [isChanging, setChanging] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const expiry = expiryWord(site.token_expires_at);
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
        {expiry && (
          <div>
            <dt>API token</dt>
            <dd>
              <State word={expiry} />
            </dd>
          </div>
        )}
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

/** Rights of an account and scopes of an app: a site has the one or the other, seldom both. */
function Granted({ site }: { site: Site }) {
  const checks = [...rightsAsChecks(site.rights), ...scopesAsChecks(site.scopes)];
  if (checks.length === 0) return null;
  const lacks = checks.filter(isMissing).length;
  return (
    <Card title="What Mailbridge may do">
      {lacks > 0 && (
        <SectionMessage appearance="warning" title={lacks === 1 ? 'One right is missing' : `${lacks} rights are missing`}>
          <p>Everything else works. What each is for, and what to do, stands beside it.</p>
          {site.scheme === 'forge' && site.scopes.some(({ granted }) => granted === false) && (
            <p>
              A missing scope means that an update of the app waits for approval: open <strong>Manage apps</strong> in Jira’s settings, find
              Mailbridge, and approve the update.
            </p>
          )}
        </SectionMessage>
      )}
      {site.scopes.length > 0 && site.scopes.every(({ granted }) => granted === null) && (
        <p>These are the scopes that Mailbridge asks for. Jira has not said yet which of them it granted.</p>
      )}
      <CheckList label="What Mailbridge may do" checks={checks} />
    </Card>
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

function Events({ site, onRenew }: { site: Site; onRenew: (() => Promise<void>) | null }) {
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
