/** A project's settings: its mailboxes and what came in through them, for the people who administer the project. */
import Tab from '@atlaskit/tabs/tab';
import TabList from '@atlaskit/tabs/tab-list';
import TabPanel from '@atlaskit/tabs/tab-panel';
import Tabs from '@atlaskit/tabs/tabs';
import Heading from '@atlaskit/heading';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import type { Project } from '../api/types/jira';
import type { Mailbox } from '../api/types/mailboxes';
import type { Place } from '../host/view';
import { MailboxList } from '../mailboxes/MailboxList';
import { MailList, type MailFilter } from '../mails/MailList';
import { SiteContext } from '../parts/IssueLink';
import { NoticeCorner, useNotices } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { usePolled } from '../parts/usePolled';

const REFRESH_SECONDS = 5;

interface Props {
  api: Api;
  site: string | null;
  project: Place;
}

interface Loaded {
  mailboxes: Mailbox[];
  project: Project | null;
}

export function ProjectPage({ api, site, project: place }: Props) {
  const load = useCallback(async (): Promise<Loaded> => {
    const mailboxes = (await api.mailboxes()).filter(({ project }) => project.id === place.id);
    return { mailboxes, project: await projectOf(api, place, mailboxes) };
  }, [api, place]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  const [tab, setTab] = useState(0);
  const [filter, setFilter] = useState<MailFilter>({ mailbox: null, state: null });
  const { notices, notify, dismiss } = useNotices();
  const isRefused = data === null && [401, 403].includes(problem?.status ?? 0);
  const mailboxes = { data: data?.mailboxes ?? null, problem, refresh };
  return (
    <SiteContext.Provider value={site}>
      <main className="mb-page">
        <header className="mb-header">
          <Heading size="large" as="h1">
            {data?.project ? `Mail of ${data.project.name}` : 'Mail of this project'}
          </Heading>
          <p className="mb-quiet">Mail to these mailboxes becomes issues of this project, and answers become comments.</p>
        </header>
        {isRefused && problem ? (
          <ProblemMessage problem={problem} />
        ) : (
          <Tabs id="parts" selected={tab} onChange={setTab} shouldUnmountTabPanelOnChange>
            <TabList>
              <Tab>Mailboxes</Tab>
              <Tab>What came in</Tab>
            </TabList>
            <TabPanel>
              <MailboxList
                api={api}
                mailboxes={mailboxes}
                only={data?.project ?? null}
                notify={notify}
                onShowOutgoing={null}
                onShowMail={(mailbox, state) => {
                  setFilter({ mailbox, state });
                  setTab(1);
                }}
              />
            </TabPanel>
            <TabPanel>
              <MailList
                api={api}
                mailboxes={data?.mailboxes ?? []}
                filter={filter}
                onFilter={setFilter}
                onShowMailboxes={() => setTab(0)}
                notify={notify}
              />
            </TabPanel>
          </Tabs>
        )}
      </main>
      <NoticeCorner notices={notices} dismiss={dismiss} />
    </SiteContext.Provider>
  );
}

/** The project with its key and name: as a mailbox has it, else as Jira says, else as far as the host told. */
async function projectOf(api: Api, place: Place, mailboxes: readonly Mailbox[]): Promise<Project | null> {
  const known = mailboxes[0]?.project;
  if (known) return known;
  const found = await api.projects(place.key ?? '').catch(() => []);
  const project = found.find(({ id }) => id === place.id);
  if (project) return project;
  return place.key === null ? null : { id: place.id, key: place.key, name: place.key };
}
