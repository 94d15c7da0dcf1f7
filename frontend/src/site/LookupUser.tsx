/** The look-up user: an account that is used only to find people and to check their rights, with a tester and a guide. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, Problem } from '../api/problem';
import type { Person, Project } from '../api/types/jira';
import type { Finding, LookupUser as User } from '../api/types/lookup';
import { checkLookup, draftOfLookup, LOOKUP_FIELDS, lookupBody, type LookupDraft } from '../forms/lookup';
import { CheckList } from '../parts/CheckList';
import { Search } from '../parts/Choice';
import { InView } from '../parts/InView';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';
import { personOption, projectOption } from '../parts/options';
import { usePolled } from '../parts/usePolled';
import { findingsAsChecks } from './checks';
import { expiryWord } from './words';

const REFRESH_SECONDS = 30;

export function LookupUser({ api, notify }: { api: Api; notify: Notify }) {
  const load = useCallback(async () => ({ user: await storedUser(api) }), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <section className="mb-card" aria-labelledby="lookup-heading">
      <div className="mb-card-head">
        <Heading size="small" as="h3" id="lookup-heading">
          Look-up user
        </Heading>
      </div>
      <p>
        Jira may refuse an app to search for people or to see their rights. Then Mailbridge asks as this account instead. It is used for
        nothing else: it never writes.
      </p>
      {problem && <ProblemMessage problem={problem} />}
      {data === null && !problem && <Spinner label="Loading the look-up user" />}
      {data && (
        <>
          {data.user && <Stands user={data.user} />}
          <UserForm
            key={data.user?.email ?? 'none'}
            api={api}
            user={data.user}
            onChanged={(sentence) => {
              notify('success', sentence);
              void refresh();
            }}
          />
          {data.user && <Tester api={api} />}
        </>
      )}
      <Guide />
    </section>
  );
}

/** Null when there is none, however the service says so. */
async function storedUser(api: Api): Promise<User | null> {
  try {
    const user = await api.lookupUser();
    return user?.email ? user : null;
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 404) return null;
    throw thrown;
  }
}

function Stands({ user }: { user: User }) {
  const expiry = expiryWord(user.token_expires_at);
  return (
    <>
      <dl className="mb-facts">
        <div>
          <dt>Account</dt>
          <dd>
            {user.account?.name ?? user.email} {user.problem === null && <State word={{ label: 'Works', appearance: 'success' }} />}
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
        <div>
          <dt>Last checked</dt>
          <dd>
            <Moment at={user.checked_at} />
          </dd>
        </div>
      </dl>
      {user.problem !== null && (
        <SectionMessage appearance="warning" title="The look-up user needs attention">
          <p>{user.problem}</p>
        </SectionMessage>
      )}
    </>
  );
}

interface FormProps {
  api: Api;
  user: User | null;
  onChanged: (sentence: string) => void;
}

function UserForm({ api, user, onChanged }: FormProps) {
  const [draft, setDraft] = useState<LookupDraft>(() => draftOfLookup(user));
  const { attach, ...form } = useForm<'saving' | 'deleting'>();

  function change(more: Partial<LookupDraft>, field: string) {
    setDraft({ ...draft, ...more });
    form.touched(field);
  }

  const save = () =>
    form.act('saving', checkLookup(draft, user, new Date()), async () => {
      const saved = await api.changeLookupUser(lookupBody(draft));
      setDraft(draftOfLookup(saved));
      onChanged('The look-up user is saved');
    });
  const remove = () =>
    form.act('deleting', {}, async () => {
      await api.deleteLookupUser();
      onChanged('The look-up user is forgotten');
    });

  return (
    <form
      ref={attach}
      className="mb-group mb-narrow"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div className="mb-row">
        <TextField
          label="E-mail address"
          name="email"
          type="email"
          isRequired
          placeholder="jira+lookup@example.com"
          value={draft.email}
          error={form.errors.email}
          onChange={(email) => change({ email }, 'email')}
        />
        <TextField
          label="API token"
          name="api_token"
          type="password"
          isRequired={user === null}
          placeholder={user ? 'Unchanged' : ''}
          hint={user ? 'Leave it empty to keep the stored token.' : 'Stored encrypted and never shown again.'}
          value={draft.apiToken}
          error={form.errors.api_token}
          onChange={(apiToken) => change({ apiToken }, 'api_token')}
        />
      </div>
      <div className="mb-row">
        <TextField
          label="The token expires on"
          name="token_expires_at"
          type="date"
          hint="Mailbridge warns you two weeks before."
          value={draft.expires}
          error={form.errors.token_expires_at}
          onChange={(expires) => change({ expires }, 'token_expires_at')}
        />
        <div />
      </div>
      {form.problem && <ProblemMessage problem={form.problem} fields={LOOKUP_FIELDS} />}
      <div className="mb-actions">
        <Button type="submit" isLoading={form.busy === 'saving'}>
          {user ? 'Save look-up user' : 'Use this account'}
        </Button>
        {user && (
          <Button appearance="subtle" onClick={remove} isLoading={form.busy === 'deleting'}>
            Forget it
          </Button>
        )}
      </div>
    </form>
  );
}

/** Judges the look-up user by a person and a project of one's choice. */
function Tester({ api }: { api: Api }) {
  const [person, setPerson] = useState<Person | null>(null);
  const [project, setProject] = useState<Project | null>(null);
  const [findings, setFindings] = useState<readonly Finding[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const searchProjects = useCallback(async (text: string) => (await api.projects(text)).map(projectOption), [api]);
  const searchPeople = useCallback(async (text: string) => (text === '' ? [] : (await api.users(text)).map(personOption)), [api]);

  async function test() {
    setBusy(true);
    setProblem(null);
    setFindings(null);
    try {
      setFindings((await api.checkLookupUser(person?.account_id ?? null, project?.key ?? null)).findings);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="mb-group mb-narrow">
      <Heading size="xsmall" as="h4">
        Try it
      </Heading>
      <div className="mb-row">
        <Search
          label="Person"
          isClearable
          placeholder="Search people"
          nothingTyped="Type a name"
          hint="Somebody whose rights Mailbridge has to know."
          value={person && personOption(person)}
          search={searchPeople}
          searchesAtOnce={false}
          onChange={setPerson}
        />
        <Search
          label="Project to try"
          isClearable
          placeholder="Search projects"
          value={project && projectOption(project)}
          search={searchProjects}
          searchesAtOnce
          onChange={setProject}
        />
      </div>
      <div>
        <Button onClick={test} isLoading={isBusy}>
          Test the look-up user
        </Button>
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {findings && (
        <InView role="status">
          <CheckList label="Findings" checks={findingsAsChecks(findings)} />
        </InView>
      )}
    </div>
  );
}

function Guide() {
  return (
    <details className="mb-details">
      <summary>How to create such a user</summary>
      <ol className="mb-steps">
        <li>
          Invite a new user to your site, for example “Mailbridge look-up”. It needs an e-mail address of its own; an alias of an existing
          mailbox will do, such as <code>jira+lookup@example.com</code>: its mail arrives at <code>jira@example.com</code>.
        </li>
        <li>Give it access to the Jira product whose projects Mailbridge serves. It takes up one licence.</li>
        <li>Grant it the global permission “Browse users and groups”.</li>
        <li>Add it to the role “Administrators” of each project whose people Mailbridge is to check.</li>
        <li>
          Log in as that user once, create an API token (“Manage account”, then “Security”), and enter both above. Note when the token
          expires.
        </li>
        <li>Press “Test the look-up user” with a person and a project: every line should say OK.</li>
      </ol>
    </details>
  );
}
