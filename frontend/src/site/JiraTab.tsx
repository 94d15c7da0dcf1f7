/** How Jira is attached: by which way and account, what is granted, what is heard, and what needs somebody's attention. */
import SectionMessage from '@atlaskit/section-message';
import { useCallback } from 'react';
import type { Api } from '../api/client';
import type { Site } from '../api/types/site';
import { CheckList } from '../parts/CheckList';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { Part } from '../parts/Part';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { WhatToDo } from '../parts/WhatToDo';
import { wordFor } from '../parts/words';
import { Attachment } from './Attachment';
import { Card } from './Card';
import { isMissing, rightsAsChecks, scopesAsChecks } from './checks';
import { Events } from './Events';
import { LookupUser } from './LookupUser';
import { emailApiSentence, emailApiWord, SITE_STATES } from './words';

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
    <Part id="jira" title="Jira" beside={site && <State word={wordFor(SITE_STATES, site.state)} />}>
      <Loading data={site} problem={problem} label="Loading how Jira is attached" />
      {site && (
        <div className="mb-cards">
          {site.problem && (
            <SectionMessage appearance="error" title={site.problem.title}>
              <WhatToDo {...site.problem} />
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
    </Part>
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
