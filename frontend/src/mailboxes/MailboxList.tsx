/** The mailboxes: how each is doing, what came of its mail, and what can be done with it. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Mailbox, MailState, Project } from '../api/types';
import { draftOfMailbox, mailboxBody } from '../forms/mailbox';
import { Confirm } from '../parts/Confirm';
import { Moment } from '../parts/Moment';
import type { Notify } from '../parts/Notices';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import type { Polled } from '../parts/usePolled';
import { asProblem } from '../api/problem';
import { MAIL_STATES, MAILBOX_STATES, wordFor } from '../parts/words';
import { GettingStarted } from './GettingStarted';
import { MailboxForm } from './MailboxForm';

interface Props {
  api: Api;
  mailboxes: Polled<Mailbox[]>;
  /** Shows what came in through a mailbox. */
  onShowMail: (mailbox: string, state: MailState | null) => void;
  /** Null where outgoing mail is somebody else's to set up. */
  onShowOutgoing: (() => void) | null;
  /** The one project that new mailboxes are for; null: any. */
  only?: Project | null;
  notify: Notify;
}

type Open = { what: 'form'; mailbox: Mailbox | null } | { what: 'deletion'; mailbox: Mailbox } | null;

export function MailboxList({ api, mailboxes, onShowMail, onShowOutgoing, only = null, notify }: Props) {
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const { data, problem, refresh } = mailboxes;

  async function switchTo(mailbox: Mailbox, enabled: boolean) {
    try {
      await api.changeMailbox(mailbox.id, mailboxBody({ ...draftOfMailbox(mailbox), enabled }, false));
      notify('success', enabled ? `${mailbox.name} is read again` : `${mailbox.name} is switched off`);
    } catch (thrown) {
      notify('error', `${mailbox.name} could not be changed`, asProblem(thrown).message);
    }
    await refresh();
  }

  return (
    <section className="mb-part" aria-labelledby="mailboxes-heading">
      <div className="mb-bar">
        <Heading size="medium" as="h2" id="mailboxes-heading">
          Mailboxes
        </Heading>
        {data && data.length > 0 && (
          <Button appearance="primary" onClick={() => setOpen({ what: 'form', mailbox: null })}>
            Connect a mailbox
          </Button>
        )}
      </div>
      {problem && <ProblemMessage problem={problem} />}
      {data === null && !problem && <Spinner label="Loading the mailboxes" />}
      {data?.length === 0 && (
        <GettingStarted onConnect={() => setOpen({ what: 'form', mailbox: null })} onShowOutgoing={onShowOutgoing} />
      )}
      <ul className="mb-cards">
        {data?.map((mailbox) => (
          <MailboxCard
            key={mailbox.id}
            mailbox={mailbox}
            onShowMail={onShowMail}
            onEdit={() => setOpen({ what: 'form', mailbox })}
            onSwitch={(enabled) => switchTo(mailbox, enabled)}
            onDelete={() => setOpen({ what: 'deletion', mailbox })}
          />
        ))}
      </ul>
      <ModalTransition>
        {open?.what === 'form' && (
          <MailboxForm
            api={api}
            mailbox={open.mailbox}
            only={only}
            onClose={close}
            onSaved={(saved) => {
              close();
              notify('success', open.mailbox ? `${saved.name} is saved` : `${saved.name} is added`);
              void refresh();
            }}
          />
        )}
        {open?.what === 'deletion' && (
          <Confirm
            title={`Delete ${open.mailbox.name}?`}
            action="Delete"
            onClose={close}
            onConfirm={async () => {
              await api.deleteMailbox(open.mailbox.id);
              notify('success', `${open.mailbox.name} is deleted`);
              await refresh();
            }}
          >
            <p>
              Mailbridge stops reading {open.mailbox.address} and forgets its password. Nothing is deleted on the mail server, and
              issues and comments stay in Jira.
            </p>
          </Confirm>
        )}
      </ModalTransition>
    </section>
  );
}

interface CardProps {
  mailbox: Mailbox;
  onShowMail: Props['onShowMail'];
  onEdit: () => void;
  onSwitch: (enabled: boolean) => Promise<void>;
  onDelete: () => void;
}

function MailboxCard({ mailbox, onShowMail, onEdit, onSwitch, onDelete }: CardProps) {
  return (
    <li className="mb-card">
      <div className="mb-card-head">
        <Heading size="small" as="h3">
          {mailbox.name}
        </Heading>
        <State word={wordFor(MAILBOX_STATES, mailbox.state)} />
        <span className="mb-spring" />
        <Button appearance="subtle" spacing="compact" onClick={onEdit} aria-label={`Edit ${mailbox.name}`}>
          Edit
        </Button>
        <Button
          appearance="subtle"
          spacing="compact"
          onClick={() => onSwitch(!mailbox.enabled)}
          aria-label={`${mailbox.enabled ? 'Switch off' : 'Switch on'} ${mailbox.name}`}
        >
          {mailbox.enabled ? 'Switch off' : 'Switch on'}
        </Button>
        <Button appearance="subtle" spacing="compact" onClick={onDelete} aria-label={`Delete ${mailbox.name}`}>
          Delete
        </Button>
      </div>
      <dl className="mb-facts">
        <div>
          <dt>Address</dt>
          <dd>{mailbox.address}</dd>
        </div>
        <div>
          <dt>Reads</dt>
          <dd>
            {mailbox.folder} on {mailbox.host}:{mailbox.port}
          </dd>
        </div>
        <div>
          <dt>Creates</dt>
          <dd>
            {mailbox.issue_type.name} in {mailbox.project.name} ({mailbox.project.key})
          </dd>
        </div>
        <div>
          <dt>Last looked</dt>
          <dd>
            <Moment at={mailbox.checked_at} />
          </dd>
        </div>
      </dl>
      {mailbox.last_error && mailbox.enabled && (
        <div>
          <SectionMessage appearance={mailbox.state === 'trouble' ? 'error' : 'warning'}>
            <p>{mailbox.last_error}</p>
          </SectionMessage>
        </div>
      )}
      <Counts mailbox={mailbox} onShowMail={onShowMail} />
    </li>
  );
}

const COUNTED: readonly MailState[] = ['handled', 'ignored', 'received', 'delivering', 'held', 'failed'];

function Counts({ mailbox, onShowMail }: Pick<CardProps, 'mailbox' | 'onShowMail'>) {
  const counted = COUNTED.map((state) => ({ state, count: mailbox.counts[state] ?? 0 })).filter(({ count }) => count > 0);
  if (counted.length === 0) return <p className="mb-quiet">No mail has come in yet.</p>;
  return (
    <div className="mb-counts">
      {counted.map(({ state, count }) => (
        <button
          key={state}
          type="button"
          className="mb-count"
          data-appearance={MAIL_STATES[state].appearance}
          onClick={() => onShowMail(mailbox.id, state)}
        >
          <strong>{count}</strong> {MAIL_STATES[state].label.toLowerCase()}
        </button>
      ))}
    </div>
  );
}
