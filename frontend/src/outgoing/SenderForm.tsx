/** The form of outgoing mail: the server that sends, what people see of it, and who is told when a mailbox needs somebody. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Sender } from '../api/types/outgoing';
import type { TestResult } from '../api/types/servers';
import { problemField } from '../forms/errors';
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
import { Egress, useEgress } from '../parts/Egress';
import { Form } from '../parts/Form';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { ServerFields } from '../parts/ServerFields';
import { TestOutcome } from '../parts/TestOutcome';
import { TextArea } from '../parts/TextArea';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';

interface Props {
  api: Api;
  sender: Sender | null;
  onSaved: () => void;
}

export function SenderForm({ api, sender, onSaved }: Props) {
  const [draft, setDraft] = useState<SenderDraft>(() => (sender ? draftOfSender(sender) : blankSender()));
  const { attach, errors, problem, busy, touched, showErrors, act } = useForm<'testing' | 'saving'>();
  const [result, setResult] = useState<TestResult | null>(null);
  const [tested, setTested] = useState<string | null>(() => (sender ? senderConnectionOf(draft) : null));
  const [isAsking, setAsking] = useState(false);
  const hasSecret = sender?.has_secret ?? false;
  const egress = useEgress(api);

  function change(next: SenderDraft, field: string) {
    setDraft(next);
    touched(field);
    if (senderConnectionOf(next) !== senderConnectionOf(draft)) setResult(null);
    setAsking(false);
  }

  const test = () =>
    act('testing', checkSender(draft, hasSecret), async () => {
      setResult(null);
      const answer = await api.testSender(senderBody(draft));
      setResult(answer);
      if (answer.ok) setTested(senderConnectionOf(draft));
      else showErrors(problemField(answer.problem));
    });

  const save = () =>
    act('saving', checkSender(draft, hasSecret), async () => {
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
    <Form className="mb-form mb-narrow" attach={attach} onSubmit={save}>
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
      <Egress addresses={egress} />
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
      <TextArea
        label="Who is told when a mailbox needs an administrator"
        name="told"
        placeholder="admin@example.com"
        hint="One address a line. While nobody is named here, whoever connected the mailbox is told, where Jira tells their address."
        value={draft.told}
        error={errors.told}
        onChange={(told) => change({ ...draft, told }, 'told')}
      />
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
    </Form>
  );
}
