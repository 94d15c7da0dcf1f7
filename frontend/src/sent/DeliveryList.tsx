/** What was sent: one row a recipient, with why they got it or did not. */
import EmptyState from '@atlaskit/empty-state';
import { useCallback, useState } from 'react';
import type { Api, Cursor } from '../api/client';
import type { Delivery } from '../api/types/outgoing';
import { IssueLink } from '../parts/IssueLink';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import { Pager } from '../parts/Pager';
import { Part } from '../parts/Part';
import { State } from '../parts/State';
import { Table } from '../parts/Table';
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
    <Part id="sent" title="What was sent">
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
      <Loading data={data} problem={problem} label="Loading sent mail" />
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
    </Part>
  );
}

function DeliveryTable({ deliveries }: { deliveries: readonly Delivery[] }) {
  return (
    <Table columns={['Time', 'Issue', 'Recipient', 'State', 'Why']}>
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
    </Table>
  );
}
