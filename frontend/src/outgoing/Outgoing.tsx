/** Outgoing mail: how the server that sends is doing, its form, and what was told about mailboxes by it. */
import SectionMessage from '@atlaskit/section-message';
import { useCallback } from 'react';
import { orNull } from '../api/absent';
import type { Api } from '../api/client';
import { Loading } from '../parts/Loading';
import type { Notify } from '../parts/Notices';
import { Part } from '../parts/Part';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { SENDER_STATES, wordFor } from '../parts/words';
import { AdminLetters } from './AdminLetters';
import { SenderForm } from './SenderForm';

const REFRESH_SECONDS = 10;

export function Outgoing({ api, notify }: { api: Api; notify: Notify }) {
  const load = useCallback(async () => ({ sender: await orNull(api.sender(), 'host') }), [api]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  return (
    <Part id="outgoing" title="Outgoing mail" beside={data?.sender && <State word={wordFor(SENDER_STATES, data.sender.state)} />}>
      <Loading data={data} problem={problem} label="Loading the settings of outgoing mail" />
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
      <AdminLetters api={api} />
    </Part>
  );
}
