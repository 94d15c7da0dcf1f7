/** Outgoing mail: the server that sends, the name and address that people see, and how long changes are gathered. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { useCallback, useRef, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, Problem } from '../api/problem';
import type { Sender } from '../api/types/outgoing';
import type { TestResult } from '../api/types/servers';
import type { Errors } from '../forms/connection';
import { fieldSentences, problemField, withoutField } from '../forms/errors';
import {
  blankSender,
  checkSender,
  draftOfSender,
  SENDER_FIELDS,
  senderBody,
  senderConnectionOf,
  withSenderSecurity,
  type SenderDraft,
} from '../forms/sender';
import type { Notify } from '../parts/Notices';
import { focusFirstError } from '../parts/focus';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { ServerFields } from '../parts/ServerFields';
import { State } from '../parts/State';
import { TestOutcome } from '../parts/TestOutcome';
import { TextField } from '../parts/TextField';
import { usePolled } from '../parts/usePolled';
import { SENDER_STATES, wordFor } from '../parts/words';

const REFRESH_SECONDS = 10;

export function Outgoing({ api, notify }: { api: Api; notify: Notify }) {
  const load = useCallback(async () => ({ sender: await storedSender(api) }), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <section className="mb-part" aria-labelledby="outgoing-heading">
      <div className="mb-bar">
        <Heading size="medium" as="h2" id="outgoing-heading">
          Outgoing mail
        </Heading>
        {data?.sender && <State word={wordFor(SENDER_STATES, data.sender.state)} />}
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {data === null && !problem && <Spinner label="Loading the settings of outgoing mail" />}
      {data && (
        <>
          {data.sender === null && (
            <p>No mail is sent yet. Name the server that sends for you, and people will get comments on their issues by email.</p>
          )}
          {data.sender?.last_error && (
            <SectionMessage appearance="error" title="The last mail could not be sent">
              <p>{data.sender.last_error}</p>
            </SectionMessage>
          )}
          <SenderForm
            key={data.sender === null ? 'new' : 'stored'}
            api={api}
            sender={data.sender}
            onSaved={() => {
              notify('success', 'Outgoing mail is saved');
              void refresh();
            }}
          />
        </>
      )}
    </section>
  );
}

/** Null when none was set up yet, however the service says so. */
async function storedSender(api: Api): Promise<Sender | null> {
  try {
    const sender = await api.sender();
    return sender?.host ? sender : null;
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 404) return null;
    throw thrown;
  }
}

interface FormProps {
  api: Api;
  sender: Sender | null;
  onSaved: () => void;
}

function SenderForm({ api, sender, onSaved }: FormProps) {
  const [draft, setDraft] = useState<SenderDraft>(() => (sender ? draftOfSender(sender) : blankSender()));
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [result, setResult] = useState<TestResult | null>(null);
  const [tested, setTested] = useState<string | null>(() => (sender ? senderConnectionOf(draft) : null));
  const [isAsking, setAsking] = useState(false);
  const [busy, setBusy] = useState<'testing' | 'saving' | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const hasSecret = sender?.has_secret ?? false;

  function change(next: SenderDraft, field: string) {
    setDraft(next);
    setErrors((before) => withoutField(before, field));
    if (senderConnectionOf(next) !== senderConnectionOf(draft)) setResult(null);
    setAsking(false);
  }

  /** Runs `action` on a draft without errors; its failure stands at the fields. */
  async function act(kind: 'testing' | 'saving', action: () => Promise<void>) {
    setProblem(null);
    if (showErrors(checkSender(draft, hasSecret))) return;
    setBusy(kind);
    try {
      await action();
    } catch (thrown) {
      const failure = asProblem(thrown);
      showErrors(fieldSentences(failure.errors));
      setProblem(failure);
    } finally {
      setBusy(null);
    }
  }

  /** True when there are any; the first one gets the focus. */
  function showErrors(wrong: Errors): boolean {
    setErrors(wrong);
    const isWrong = Object.keys(wrong).length > 0;
    if (isWrong) focusFirstError(form.current);
    return isWrong;
  }

  const test = () =>
    act('testing', async () => {
      setResult(null);
      const answer = await api.testSender(senderBody(draft));
      setResult(answer);
      if (answer.ok) setTested(senderConnectionOf(draft));
      else showErrors(problemField(answer.problem));
    });

  const save = () =>
    act('saving', async () => {
      if (tested !== senderConnectionOf(draft) && !isAsking) {
        setAsking(true);
        return;
      }
      await api.changeSender(senderBody(draft));
      setDraft((saved) => ({ ...saved, secret: '' }));
      setTested(senderConnectionOf({ ...draft, secret: '' }));
      setAsking(false);
      onSaved();
    });

  return (
    <form
      ref={form}
      className="mb-form mb-narrow"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <ServerFields
        legend="Mail server (SMTP)"
        example="smtp.example.com"
        needsLogin={false}
        hasSecret={hasSecret}
        draft={draft}
        errors={errors}
        change={change}
        withHost={(before, host) => ({ ...before, host })}
        withSecurity={withSenderSecurity}
        withUsername={(before, username) => ({ ...before, username })}
      />
      <fieldset className="mb-group">
        <legend>What people see</legend>
        <div className="mb-row">
          <TextField
            label="Sender’s name"
            name="from_name"
            placeholder="Example Support"
            value={draft.fromName}
            error={errors.from_name}
            onChange={(fromName) => change({ ...draft, fromName }, 'from_name')}
          />
          <TextField
            label="Sender’s address"
            name="from_address"
            isRequired
            inputMode="email"
            placeholder="support@example.com"
            hint="Usually the address of the mailbox, so that replies come back."
            value={draft.fromAddress}
            error={errors.from_address}
            onChange={(fromAddress) => change({ ...draft, fromAddress }, 'from_address')}
          />
        </div>
        <div className="mb-row">
          <TextField
            label="Gather changes for (seconds)"
            name="window_seconds"
            inputMode="numeric"
            hint="Changes of one issue within this time go out as one mail. 0 sends at once."
            value={draft.windowSeconds}
            error={errors.window_seconds}
            onChange={(windowSeconds) => change({ ...draft, windowSeconds }, 'window_seconds')}
          />
          <div />
        </div>
      </fieldset>
      {result && <TestOutcome result={result} />}
      {problem && <ProblemMessage problem={problem} fields={SENDER_FIELDS} />}
      {isAsking && (
        <InView role="alert">
          <SectionMessage appearance="warning" title="This connection has not passed a test">
            <p>Mail may not go out. Test the connection first, or save it as it is.</p>
          </SectionMessage>
        </InView>
      )}
      <div className="mb-actions">
        <Button type="submit" appearance={isAsking ? 'warning' : 'primary'} isLoading={busy === 'saving'}>
          {isAsking ? 'Save untested' : 'Save'}
        </Button>
        <Button onClick={test} isLoading={busy === 'testing'}>
          Test connection
        </Button>
      </div>
    </form>
  );
}
