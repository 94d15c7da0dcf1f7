/** What was told about mailboxes: administrators, and senders of mail that was too large; one row a recipient, with why or why not. */
import Heading from '@atlaskit/heading';
import { useCallback, useState } from 'react';
import type { Api, Cursor } from '../api/client';
import type { AdminLetter } from '../api/types/outgoing';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import { Pager } from '../parts/Pager';
import { State } from '../parts/State';
import { Table } from '../parts/Table';
import { usePolled } from '../parts/usePolled';
import { DELIVERY_STATES, wordFor } from '../parts/words';

const PAGE = 10;
const REFRESH_SECONDS = 10;
const UNDER_WAY: readonly string[] = ['pending', 'sending'];

export function AdminLetters({ api }: { api: Api }) {
  const [trail, setTrail] = useState<readonly Cursor[]>([]);
  const before = trail.at(-1) ?? null;
  const load = useCallback(() => api.adminLetters(before, PAGE), [api, before]);
  const { data, problem } = usePolled(load, REFRESH_SECONDS);
  return (
    <section className="mb-part" aria-labelledby="told-heading">
      <Heading size="small" as="h3" id="told-heading">
        What was told about mailboxes
      </Heading>
      <Loading data={data} problem={problem} label="Loading what was told about mailboxes" />
      {data?.letters.length === 0 && (
        <p className="mb-quiet">
          Nothing yet. A mail goes out when a mailbox needs a new sign-in, when its secret is about to end, and when it could not be
          read for an hour; and to the sender of a mail that is too large, where the mailbox answers such mail.
        </p>
      )}
      {data && data.letters.length > 0 && (
        <>
          <Table columns={['Time', 'What', 'Recipient', 'State', 'Why']}>
            {data.letters.map((letter) => (
              <Row key={letter.id} letter={letter} />
            ))}
          </Table>
          <Pager trail={trail} next={data.next} onChange={setTrail} />
        </>
      )}
    </section>
  );
}

function Row({ letter }: { letter: AdminLetter }) {
  return (
    <tr>
      <td className="mb-when">
        <Moment at={letter.sent_at ?? letter.created_at} />
      </td>
      <td>{letter.subject || letter.mailbox}</td>
      <td className="mb-cut">{letter.recipient || (UNDER_WAY.includes(letter.state) ? 'Being looked up' : 'Nobody')}</td>
      <td>
        <State word={wordFor(DELIVERY_STATES, letter.state)} />
      </td>
      <td className="mb-why">
        {letter.reason}
        {letter.error && <div className="mb-error">{letter.error}</div>}
      </td>
    </tr>
  );
}
