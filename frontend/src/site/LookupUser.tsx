/** The look-up user: an account that is used only to find people and to check their rights, with a tester and a guide. */
import SectionMessage from '@atlaskit/section-message';
import { useCallback } from 'react';
import { orNull } from '../api/absent';
import type { Api } from '../api/client';
import type { LookupUser as User } from '../api/types/lookup';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { Card } from './Card';
import { LookupForm } from './LookupForm';
import { LookupTester } from './LookupTester';
import { TokenFact } from './Token';

const REFRESH_SECONDS = 30;

export function LookupUser({ api, notify }: { api: Api; notify: Notify }) {
  const load = useCallback(async () => ({ user: await orNull(api.lookupUser(), 'email') }), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <Card title="Look-up user">
      <p>
        Jira may refuse an app to search for people or to see their rights. Then Mailbridge asks as this account instead. It is used for
        nothing else: it never writes.
      </p>
      <Loading data={data} problem={problem} label="Loading the look-up user" />
      {data && (
        <>
          {data.user && <Stands user={data.user} />}
          <LookupForm
            key={data.user?.email ?? 'none'}
            api={api}
            user={data.user}
            onChanged={(sentence) => {
              notify('success', sentence);
              void refresh();
            }}
          />
          {data.user && <LookupTester api={api} />}
        </>
      )}
      <Guide />
    </Card>
  );
}

function Stands({ user }: { user: User }) {
  return (
    <>
      <dl className="mb-facts">
        <div>
          <dt>Account</dt>
          <dd>
            {user.account?.name ?? user.email} {user.problem === null && <State word={{ label: 'Works', appearance: 'success' }} />}
          </dd>
        </div>
        <TokenFact expiresAt={user.token_expires_at} />
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
