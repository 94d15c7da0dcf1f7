/** How long the content of mail is kept, or that it is not kept at all. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import SectionMessage from '@atlaskit/section-message';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import type { Keeping, KeepingBody } from '../api/types/privacy';
import { checkKeeping } from '../forms/privacy';
import { Form } from '../parts/Form';
import { Loading } from '../parts/Loading';
import type { Notify } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';
import { usePolled } from '../parts/usePolled';

const REFRESH_SECONDS = 60;

interface Props {
  api: Api;
  notify: Notify;
}

export function KeepingForm({ api, notify }: Props) {
  const load = useCallback(() => api.keeping(), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <>
      <Loading data={data} problem={problem} label="Loading how long mail is kept" />
      {data && (
        <Choices
          keeping={data}
          onSave={async (keeping) => {
            await api.changeKeeping(keeping);
            notify('success', 'What is kept is saved');
            await refresh();
          }}
        />
      )}
    </>
  );
}

function Choices({ keeping, onSave }: { keeping: Keeping; onSave: (keeping: KeepingBody) => Promise<void> }) {
  const [days, setDays] = useState(String(keeping.days));
  const [content, setContent] = useState(keeping.content);
  const { attach, errors, problem, busy, touched, act } = useForm<'saving'>();
  return (
    <Form attach={attach} onSubmit={() => act('saving', checkKeeping(days), () => onSave({ days: Number(days), content }))}>
      <fieldset className="mb-group">
        <legend>What is kept of mail</legend>
        <p>
          The content of each mail is stored encrypted, so that you can look at it and handle it again. After these days it is
          forgotten, with its sender and its subject; that there was a mail, and what became of it (the ledger), stays.
        </p>
        <div className="mb-row">
          <TextField
            label="For how many days"
            name="days"
            inputMode="numeric"
            isRequired
            hint={`Your operator’s usual is ${keeping.default_days}.`}
            value={days}
            error={errors.days}
            onChange={(typed) => {
              setDays(typed);
              touched('days');
            }}
          />
        </div>
        <Checkbox
          label="Keep the content of handled mail"
          name="content"
          isChecked={content}
          onChange={(event) => setContent(event.currentTarget.checked)}
        />
        {!content && (
          <SectionMessage appearance="warning" title="Without the content these stop working">
            <ul className="mb-list">
              {keeping.stops.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
            <p>Mail that waits, is held or has failed keeps its content until it is handled.</p>
          </SectionMessage>
        )}
      </fieldset>
      {problem && <ProblemMessage problem={problem} fields={['days', 'content']} />}
      <div className="mb-actions">
        <Button type="submit" appearance="primary" isLoading={busy !== null}>
          Save
        </Button>
      </div>
    </Form>
  );
}
