/** A self-hosted page: set-up link, login, attaching Jira, then what everybody sees. */
import Spinner from '@atlaskit/spinner';
import { useCallback, useState } from 'react';
import type { LoginApi, LoginWays } from '../api/standalone';
import { standaloneTransport } from '../api/standalone';
import { createApi } from '../api/client';
import type { Fetch } from '../api/http';
import { App } from '../App';
import { ProblemMessage } from '../parts/ProblemMessage';
import { usePolled } from '../parts/usePolled';
import { FirstScreen } from '../site/FirstScreen';
import { isAttached } from '../site/words';
import { Login } from './Login';
import type { Errand } from '../host/doors';
import { loginFailure } from './words';
import { SetUp } from './SetUp';

interface Props {
  fetch: Fetch;
  now: () => number;
  login: LoginApi;
  ways: LoginWays;
  /** By which link the page was opened. */
  errand: Errand;
  /** The link has done its work: it goes from the address. */
  onDone: () => void;
}

export function Standalone({ fetch, now, login, ways, errand, onDone }: Props) {
  const [isIn, setIn] = useState(ways.logged_in);
  const [reason, setReason] = useState(loginFailure(errand.login));
  const [secret, setSecret] = useState(errand.setUp);
  // Before the set-up link was used there may have been none.
  const [hasPassword, setHasPassword] = useState(ways.password);

  /** The link has been used, or is not wanted: it goes from the address too. */
  function leaveLink(nowIn: boolean) {
    onDone();
    setSecret(null);
    setIn(nowIn);
  }

  function leave(why: string) {
    setReason(why);
    setIn(false);
  }

  function setUpDone() {
    setHasPassword(true);
    leaveLink(true);
  }

  if (secret !== null) return <SetUp login={login} secret={secret} onIn={setUpDone} onLeave={() => leaveLink(isIn)} />;
  if (!isIn) return <Login login={login} ways={{ ...ways, password: hasPassword }} reason={reason} onIn={() => setIn(true)} />;
  return (
    <Inside
      fetch={fetch}
      now={now}
      onOut={leave}
      onLogOut={async () => {
        await login.logout();
        leave('You are logged out.');
      }}
    />
  );
}

const REFRESH_SECONDS = 30;

interface InsideProps extends Pick<Props, 'fetch' | 'now'> {
  onOut: (why: string) => void;
  onLogOut: () => Promise<void>;
}

/** Stands from login to logout: a session of somebody else's is never taken over. */
function Inside({ fetch, now, onOut, onLogOut }: InsideProps) {
  const [api] = useState(() =>
    createApi(standaloneTransport(fetch, now, () => onOut('You have been logged out. Log in again to go on.'))),
  );
  const load = useCallback(() => api.site(), [api]);
  const { data: site, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  // Once the first screen is open it stays until the person goes on: attaching Jira is only its first half.
  const [isFirst, setFirst] = useState<boolean | null>(null);
  const showsFirst = isFirst ?? (site === null ? null : !isAttached(site));
  if (isFirst === null && showsFirst !== null) setFirst(showsFirst);

  if (site === null) {
    return (
      <main className="mb-page mb-narrow mb-alone">
        {problem ? <ProblemMessage problem={problem} /> : <Spinner label="Loading Mailbridge" />}
      </main>
    );
  }
  if (showsFirst) {
    return (
      <FirstScreen
        api={api}
        onLogOut={onLogOut}
        onDone={() => {
          setFirst(false);
          void refresh();
        }}
      />
    );
  }
  return <App api={api} site={site.site} standalone={{ onLogOut, onDetached: () => window.location.reload() }} />;
}
