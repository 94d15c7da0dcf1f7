/** Signing in at a provider in a window of its own, and waiting here for how it went. */
import Button from '@atlaskit/button/new';
import { useEffect, useRef, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem } from '../api/problem';
import type { Kind, Provider, SignInStatus } from '../api/types/mailboxes';
import { PROVIDERS } from '../forms/logins';

interface Props {
  api: Api;
  provider: Provider;
  kind: Kind;
  /** The stored mailbox whose sign-in is renewed, null for one that is not saved yet. */
  mailbox: string | null;
  /** Who has signed in here already. */
  account: string | null;
  hint?: string;
  error?: string | undefined;
  onDone: (state: string, account: string | null) => void;
}

interface Waiting {
  url: string;
  /** The browser let no window open: the person opens the link. */
  isBlocked: boolean;
}

const ASK_MS = 1_000;
const WINDOW = 'popup,width=520,height=680';

export function SignIn({ api, provider, kind, mailbox, account, hint, error, onDone }: Props) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  // Counts the tries: what an earlier one comes to does not matter any more.
  const turn = useRef(0);
  useEffect(() => () => void (turn.current += 1), []);

  async function begin() {
    turn.current += 1;
    const mine = turn.current;
    setFailure(null);
    // Opened at the click: a window that opens later is taken for an advertisement.
    const popup = window.open('', '_blank', WINDOW);
    try {
      const { url, state } = await api.signIn(provider, mailbox, kind);
      if (popup) popup.location.href = url;
      setWaiting({ url, isBlocked: popup === null });
      const outcome = await outcomeOf(api, state, () => mine !== turn.current);
      if (outcome === null) return;
      setWaiting(null);
      if (outcome.problem === null) onDone(state, outcome.account);
      else setFailure(outcome.problem);
    } catch (thrown) {
      popup?.close();
      setWaiting(null);
      setFailure(asProblem(thrown).message);
    }
  }

  function cancel() {
    turn.current += 1;
    setWaiting(null);
  }

  const said = failure ?? error;
  return (
    <div className="mb-field" data-invalid={said ? true : undefined}>
      <div className="mb-outcome">
        <Button onClick={begin} isLoading={waiting !== null}>
          {account || mailbox ? `Sign in with ${PROVIDERS[provider]} again` : `Sign in with ${PROVIDERS[provider]}`}
        </Button>
        {waiting && (
          <>
            <span role="status">
              {waiting.isBlocked ? (
                <>
                  Your browser let no window open:{' '}
                  <a href={waiting.url} target="_blank" rel="noreferrer">
                    sign in here
                  </a>
                  .
                </>
              ) : (
                `Go on in the window of ${PROVIDERS[provider]}.`
              )}
            </span>
            <Button appearance="subtle" onClick={cancel}>
              Cancel
            </Button>
          </>
        )}
        {account && !waiting && <strong role="status">Signed in as {account}.</strong>}
      </div>
      {hint && <div className="mb-hint">{hint}</div>}
      {said && (
        <div className="mb-error" role="alert">
          {said}
        </div>
      )}
    </div>
  );
}

/** Asks until the sign-in is over; null once nobody waits for it. A moment without an answer is no end. */
async function outcomeOf(api: Api, state: string, isOver: () => boolean): Promise<SignInStatus | null> {
  while (!isOver()) {
    await new Promise((done) => setTimeout(done, ASK_MS));
    try {
      const status = await api.signInStatus(state);
      if (status.done) return isOver() ? null : status;
    } catch (thrown) {
      const { status } = asProblem(thrown);
      if (status >= 400 && status < 500) throw thrown;
    }
  }
  return null;
}
