/** The page: mailboxes, outgoing mail, what came in, what was sent, and how Jira is attached. */
import Button from '@atlaskit/button/new';
import Tab from '@atlaskit/tabs/tab';
import TabList from '@atlaskit/tabs/tab-list';
import TabPanel from '@atlaskit/tabs/tab-panel';
import Tabs from '@atlaskit/tabs/tabs';
import Heading from '@atlaskit/heading';
import Spinner from '@atlaskit/spinner';
import { lazy, Suspense, useCallback, useState } from 'react';
import type { Api } from './api/client';
import { MailboxList } from './mailboxes/MailboxList';
import { MailList, type MailFilter } from './mails/MailList';
import { SiteContext } from './parts/IssueLink';
import { NoticeCorner, useNotices } from './parts/Notices';
import { ProblemMessage } from './parts/ProblemMessage';
import { usePolled } from './parts/usePolled';
import { DeliveryList } from './sent/DeliveryList';

// What the first tab does not need is loaded with its own.
const Outgoing = lazy(async () => ({ default: (await import('./outgoing/Outgoing')).Outgoing }));
const JiraTab = lazy(async () => ({ default: (await import('./site/JiraTab')).JiraTab }));
const Privacy = lazy(async () => ({ default: (await import('./privacy/Privacy')).Privacy }));

const REFRESH_SECONDS = 5;
const TAB = { mailboxes: 0, outgoing: 1, mails: 2, sent: 3 } as const;

interface Props {
  api: Api;
  /** Jira's own address, for links to issues. */
  site: string | null;
  /** What only a self-hosted page has: its own login, and a Jira that can be detached. Null inside Jira. */
  standalone?: { onLogOut: () => Promise<void>; onDetached: () => void } | null;
}

export function App({ api, site, standalone = null }: Props) {
  const load = useCallback(() => api.mailboxes(), [api]);
  const mailboxes = usePolled(load, REFRESH_SECONDS);
  const [tab, setTab] = useState<number>(TAB.mailboxes);
  const [filter, setFilter] = useState<MailFilter>({ mailbox: null, state: null });
  const { notices, notify, dismiss } = useNotices();
  // Who may not use the page needs no tabs to be told so on each.
  const refusal = mailboxes.data === null && [401, 403].includes(mailboxes.problem?.status ?? 0) ? mailboxes.problem : null;

  return (
    <SiteContext.Provider value={site}>
      <main className="mb-page">
        <header className="mb-header">
          <div className="mb-top">
            <Heading size="large" as="h1">
              Mailbridge
            </Heading>
            {standalone && (
              <Button appearance="subtle" onClick={standalone.onLogOut}>
                Log out
              </Button>
            )}
          </div>
          <p className="mb-quiet">Email becomes issues and comments; comments become email.</p>
        </header>
        {refusal ? (
          <ProblemMessage problem={refusal} />
        ) : (
          <Tabs id="parts" selected={tab} onChange={setTab} shouldUnmountTabPanelOnChange>
            <TabList>
              <Tab>Mailboxes</Tab>
              <Tab>Outgoing mail</Tab>
              <Tab>What came in</Tab>
              <Tab>What was sent</Tab>
              <Tab>Privacy</Tab>
              <Tab>Jira</Tab>
            </TabList>
            <TabPanel>
              <MailboxList
                api={api}
                mailboxes={mailboxes}
                notify={notify}
                onShowOutgoing={() => setTab(TAB.outgoing)}
                onShowMail={(mailbox, state) => {
                  setFilter({ mailbox, state });
                  setTab(TAB.mails);
                }}
              />
            </TabPanel>
            <TabPanel>
              <Suspense fallback={<Spinner label="Loading outgoing mail" />}>
                <Outgoing api={api} notify={notify} />
              </Suspense>
            </TabPanel>
            <TabPanel>
              <MailList
                api={api}
                mailboxes={mailboxes.data ?? []}
                filter={filter}
                onFilter={setFilter}
                onShowMailboxes={() => setTab(TAB.mailboxes)}
                notify={notify}
              />
            </TabPanel>
            <TabPanel>
              <DeliveryList api={api} />
            </TabPanel>
            <TabPanel>
              <Suspense fallback={<Spinner label="Loading the privacy settings" />}>
                <Privacy api={api} notify={notify} />
              </Suspense>
            </TabPanel>
            <TabPanel>
              <Suspense fallback={<Spinner label="Loading how Jira is attached" />}>
                <JiraTab api={api} notify={notify} onDetached={standalone?.onDetached ?? null} />
              </Suspense>
            </TabPanel>
          </Tabs>
        )}
      </main>
      <NoticeCorner notices={notices} dismiss={dismiss} />
    </SiteContext.Provider>
  );
}
