/** One mailbox of the list: how it is doing, what came of its mail, and what can be done with it. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import type { Api } from '../api/client';
import type { Mailbox } from '../api/types/mailboxes';
import type { MailState } from '../api/types/mails';
import { dayOf } from '../forms/site';
import { Moment } from '../parts/Moment';
import { State } from '../parts/State';
import { MAIL_STATES, placeInWords, stateOf } from '../parts/words';
import { Reconciliation } from './Reconciliation';
import { SignIn } from './SignIn';

interface CardProps {
  api: Api;
  mailbox: Mailbox;
  /** Shows what came in through a mailbox. */
  onShowMail: (mailbox: string, state: MailState | null) => void;
  onEdit: () => void;
  onSwitch: (enabled: boolean) => Promise<void>;
  onDelete: () => void;
  /** A push token is wanted. */
  onToken: () => void;
  onSignedIn: () => void;
}

export function MailboxCard({ api, mailbox, onShowMail, onEdit, onSwitch, onDelete, onToken, onSignedIn }: CardProps) {
  return (
    <li className="mb-card">
      <div className="mb-card-head">
        <Heading size="small" as="h3">
          {mailbox.name}
        </Heading>
        <State word={stateOf(mailbox)} />
        <span className="mb-spring" />
        {mailbox.kind === 'push' && (
          <Button appearance="subtle" spacing="compact" onClick={onToken} aria-label={`New push token for ${mailbox.name}`}>
            New push token
          </Button>
        )}
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
          <dd>{placeInWords(mailbox)}</dd>
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
      {mailbox.last_error && mailbox.enabled && mailbox.grant_state !== 'reconnect' && (
        <div>
          <SectionMessage appearance={mailbox.state === 'trouble' ? 'error' : 'warning'}>
            <p>{mailbox.last_error}</p>
          </SectionMessage>
        </div>
      )}
      <GrantNotice api={api} mailbox={mailbox} onSignedIn={onSignedIn} onEdit={onEdit} />
      <Counts mailbox={mailbox} onShowMail={onShowMail} />
      {mailbox.kind !== 'push' && mailbox.checked_at !== null && <Reconciliation api={api} mailbox={mailbox} />}
    </li>
  );
}

/** What is wrong, or soon will be, with how Mailbridge logs in: and the way to mend it. */
function GrantNotice({ api, mailbox, onSignedIn, onEdit }: Pick<CardProps, 'api' | 'mailbox' | 'onSignedIn' | 'onEdit'>) {
  const state = mailbox.grant_state;
  if (state !== 'reconnect' && state !== 'expiring') return null;
  const isOver = state === 'reconnect';
  return (
    <div>
      <SectionMessage appearance={isOver ? 'error' : 'warning'} title={isOver ? 'Reconnect needed' : 'The secret ends soon'}>
        <p>
          {isOver
            ? (mailbox.last_error ??
              'The provider does not take the stored sign-in any more. Mail that arrives meanwhile waits in the mailbox and is handled afterwards.')
            : `Renew it${mailbox.secret_expires_at ? ` before ${dayOf(mailbox.secret_expires_at)}` : ''}: after that the mailbox cannot be read.`}
        </p>
        <div className="mb-after">
          {mailbox.auth === 'oauth' && mailbox.provider ? (
            <SignIn
              api={api}
              provider={mailbox.provider}
              kind={mailbox.kind}
              mailbox={mailbox.id}
              account={null}
              onDone={onSignedIn}
            />
          ) : (
            <Button onClick={onEdit}>Give a new secret</Button>
          )}
        </div>
      </SectionMessage>
    </div>
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
