/** What came in: every mail with what became of it and why; fresh by itself. */
import Button from '@atlaskit/button/new';
import EmptyState from '@atlaskit/empty-state';
import { lazy, Suspense, useCallback, useState } from 'react';
import type { Api, Cursor } from '../api/client';
import type { Mailbox } from '../api/types/mailboxes';
import type { Mail, MailState } from '../api/types/mails';
import { Choice } from '../parts/Choice';
import { IssueLink } from '../parts/IssueLink';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { Pager } from '../parts/Pager';
import { Part } from '../parts/Part';
import { State } from '../parts/State';
import { Table } from '../parts/Table';
import { usePolled } from '../parts/usePolled';
import { MAIL_STATES, outcomeOf, whyOf } from '../parts/words';
import { senderIn } from './people';

const MailPanel = lazy(async () => ({ default: (await import('./MailPanel')).MailPanel }));

export interface MailFilter {
  mailbox: string | null;
  state: MailState | null;
}

interface Props {
  api: Api;
  mailboxes: readonly Mailbox[];
  filter: MailFilter;
  onFilter: (filter: MailFilter) => void;
  onShowMailboxes: () => void;
  notify: Notify;
}

const PAGE = 25;
const REFRESH_SECONDS = 4;

export function MailList({ api, mailboxes, filter, onFilter, onShowMailboxes, notify }: Props) {
  const [trail, setTrail] = useState<readonly Cursor[]>([]);
  const [shown, setShown] = useState<string | null>(null);
  // It stays once it is there, to close as it opened.
  const [wasShown, setWasShown] = useState(false);
  const before = trail.at(-1) ?? null;
  const load = useCallback(() => api.mails(filter.mailbox, filter.state, before, PAGE), [api, filter, before]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);

  function choose(next: MailFilter) {
    setTrail([]);
    onFilter(next);
  }

  function open(id: string) {
    setWasShown(true);
    setShown(id);
  }

  return (
    <Part id="mails" title="What came in">
      <div className="mb-filters">
        <Choice
          label="Mailbox"
          isClearable
          placeholder="All mailboxes"
          value={filter.mailbox}
          options={mailboxes.map((mailbox) => ({ value: mailbox.id, label: mailbox.name, of: mailbox.id }))}
          onChange={(mailbox) => choose({ ...filter, mailbox })}
        />
        <Choice
          label="State"
          isClearable
          placeholder="All states"
          value={filter.state}
          options={STATES}
          onChange={(state) => choose({ ...filter, state })}
        />
      </div>
      <Loading data={data} problem={problem} label="Loading mail" />
      {data?.mails.length === 0 && (
        <Nothing filter={filter} hasMailbox={mailboxes.length > 0} onClear={choose} onShowMailboxes={onShowMailboxes} />
      )}
      {data && data.mails.length > 0 && (
        <>
          <MailTable mails={data.mails} onOpen={open} />
          <Pager trail={trail} next={data.next} onChange={setTrail} />
        </>
      )}
      {wasShown && (
        <Suspense fallback={null}>
          <MailPanel
            api={api}
            id={shown}
            mailboxes={mailboxes}
            onClose={() => setShown(null)}
            onRetried={() => {
              notify('success', 'Mailbridge tries this mail again');
              void refresh();
            }}
          />
        </Suspense>
      )}
    </Part>
  );
}

const STATES = (Object.keys(MAIL_STATES) as MailState[]).map((state) => ({
  value: state,
  label: MAIL_STATES[state].label,
  of: state,
}));

function MailTable({ mails, onOpen }: { mails: readonly Mail[]; onOpen: (id: string) => void }) {
  return (
    <Table columns={['Received', 'From', 'Subject', 'Outcome', 'Why']} className="mb-mails">
      {mails.map((mail) => (
        <tr key={mail.id} className="mb-open" onClick={() => onOpen(mail.id)}>
          <td className="mb-when">
            <Moment at={mail.received_at} />
          </td>
          <td className="mb-cut">
            <Sender from={mail.from} />
          </td>
          <td>
            <button type="button" className="mb-link" aria-haspopup="dialog">
              {mail.subject ?? '(no subject)'}
            </button>
          </td>
          <td>
            <span className="mb-outcome">
              <State word={outcomeOf(mail)} />
              {mail.issue_key && <IssueLink issue={mail.issue_key} />}
            </span>
          </td>
          <td className="mb-why">{whyOf(mail)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Sender({ from }: { from: string | null }) {
  const { name, address } = senderIn(from);
  return (
    <>
      {name}
      {address && <div className="mb-quiet">{address}</div>}
    </>
  );
}

interface NothingProps {
  filter: MailFilter;
  hasMailbox: boolean;
  onClear: (filter: MailFilter) => void;
  onShowMailboxes: () => void;
}

function Nothing({ filter, hasMailbox, onClear, onShowMailboxes }: NothingProps) {
  if (filter.mailbox !== null || filter.state !== null) {
    return (
      <EmptyState
        header="No mail of this kind"
        description="No mail matches the filter."
        primaryAction={<Button onClick={() => onClear({ mailbox: null, state: null })}>Show all mail</Button>}
      />
    );
  }
  if (!hasMailbox) {
    return (
      <EmptyState
        header="No mailbox is connected"
        description="Connect a mailbox first. Every mail it gets is listed here, with what became of it and why."
        primaryAction={
          <Button appearance="primary" onClick={onShowMailboxes}>
            Go to the mailboxes
          </Button>
        }
      />
    );
  }
  return (
    <EmptyState
      header="No mail has come in yet"
      description="Write a mail to the mailbox. It appears here within seconds, with what became of it and why."
    />
  );
}
