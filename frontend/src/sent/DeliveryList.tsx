/** What was sent: one row a recipient, with why they got it or did not. */
import EmptyState from '@atlaskit/empty-state';
import Heading from '@atlaskit/heading';
import Spinner from '@atlaskit/spinner';
import { useCallback, useState } from 'react';
import type { Api, Cursor } from '../api/client';
import type { Delivery } from '../api/types/outgoing';
import { IssueLink } from '../parts/IssueLink';
import { Moment } from '../parts/Moment';
import { Pager } from '../parts/Pager';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import { TextField } from '../parts/TextField';
import { usePolled } from '../parts/usePolled';
import { useSettled } from '../parts/useSettled';
import { DELIVERY_STATES, wordFor } from '../parts/words';

const PAGE = 25;
const REFRESH_SECONDS = 4;
const PAUSE_MS = 300;

const WAYS: Record<Delivery['kind'], string> = {
  account: 'Jira account',
  address: 'By email only',
  notify: 'Jira account, sent by Jira',
};

export function DeliveryList({ api }: { api: Api }) {
  const [typed, setTyped] = useState('');
  const [trail, setTrail] = useState<readonly Cursor[]>([]);
  const issue = useSettled(typed.trim().toUpperCase(), PAUSE_MS) || null;
  const before = trail.at(-1) ?? null;
  const load = useCallback(() => api.deliveries(issue, before, PAGE), [api, issue, before]);
  const { data, problem } = usePolled(load, REFRESH_SECONDS);
  return (
    <section className="mb-part" aria-labelledby="sent-heading">
      <div className="mb-bar">
        <Heading size="medium" as="h2" id="sent-heading">
          What was sent
        </Heading>
      </div>
      <div className="mb-filters">
        <TextField
          label="Issue"
          name="issue"
          placeholder="All issues, or a key such as SUP-12"
          value={typed}
          onChange={(text) => {
            setTyped(text);
            setTrail([]);
          }}
        />
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {data === null && !problem && <Spinner label="Loading sent mail" />}
      {data?.deliveries.length === 0 && (
        <EmptyState
          header={issue === null ? 'No mail has been sent yet' : `No mail was sent about ${issue}`}
          description={
            issue === null
              ? 'Comment on an issue that came by mail: the mail to its sender is listed here, with the reason they got it.'
              : 'Check the key, or empty the field to see all sent mail.'
          }
        />
      )}
      {data && data.deliveries.length > 0 && (
        <>
          <DeliveryTable deliveries={data.deliveries} />
          <Pager trail={trail} next={data.next} onChange={setTrail} />
        </>
      )}
    </section>
  );
}

function DeliveryTable({ deliveries }: { deliveries: readonly Delivery[] }) {
  return (
    <div className="mb-scroll">
      <table className="mb-table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Issue</th>
            <th scope="col">Recipient</th>
            <th scope="col">State</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <tr key={delivery.id}>
              <td className="mb-when">
                <Moment at={delivery.sent_at ?? delivery.created_at} />
              </td>
              <td>{delivery.issue_key && <IssueLink issue={delivery.issue_key} />}</td>
              <td className="mb-cut">
                {delivery.recipient}
                <div className="mb-quiet">{WAYS[delivery.kind]}</div>
              </td>
              <td>
                <State word={wordFor(DELIVERY_STATES, delivery.state)} />
              </td>
              <td className="mb-why">
                {delivery.reason}
                {delivery.error && <div className="mb-error">{delivery.error}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
