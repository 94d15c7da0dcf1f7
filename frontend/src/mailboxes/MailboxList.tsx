/** The mailboxes: how each is doing, what came of its mail, and what can be done with it. */
import Button from '@atlaskit/button/new';
import ModalTransition from '@atlaskit/modal-dialog/modal-transition';
import { lazy, Suspense, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem } from '../api/problem';
import type { Project } from '../api/types/jira';
import type { Mailbox } from '../api/types/mailboxes';
import type { MailState } from '../api/types/mails';
import { draftOfMailbox } from '../forms/mailbox';
import { mailboxBody } from '../forms/mailboxBody';
import { Confirm } from '../parts/Confirm';
import { Loading } from '../parts/Loading';
import type { Notify } from '../parts/Notices';
import { Part } from '../parts/Part';
import type { Polled } from '../parts/usePolled';
import { GettingStarted } from './GettingStarted';
import { MailboxCard } from './MailboxCard';

// What a look at the mailboxes does not need is loaded when somebody asks for it.
const MailboxForm = lazy(async () => ({ default: (await import('./MailboxForm')).MailboxForm }));
const PushToken = lazy(async () => ({ default: (await import('./PushToken')).PushToken }));

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

type Open = { what: 'form'; mailbox: Mailbox | null } | { what: 'token'; mailbox: Mailbox } | { what: 'deletion'; mailbox: Mailbox } | null;

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
    <Part
      id="mailboxes"
      title="Mailboxes"
      beside={
        data && data.length > 0 && (
          <Button appearance="primary" onClick={() => setOpen({ what: 'form', mailbox: null })}>
            Connect a mailbox
          </Button>
        )
      }
    >
      <Loading data={data} problem={problem} label="Loading the mailboxes" />
      {data?.length === 0 && (
        <GettingStarted onConnect={() => setOpen({ what: 'form', mailbox: null })} onShowOutgoing={onShowOutgoing} />
      )}
      <ul className="mb-cards">
        {data?.map((mailbox) => (
          <MailboxCard
            key={mailbox.id}
            api={api}
            mailbox={mailbox}
            onShowMail={onShowMail}
            onEdit={() => setOpen({ what: 'form', mailbox })}
            onSwitch={(enabled) => switchTo(mailbox, enabled)}
            onDelete={() => setOpen({ what: 'deletion', mailbox })}
            onToken={() => setOpen({ what: 'token', mailbox })}
            onSignedIn={() => {
              notify('success', `${mailbox.name} is signed in again`);
              void refresh();
            }}
          />
        ))}
      </ul>
      <ModalTransition>
        {open?.what === 'form' && (
          <Suspense fallback={null}>
            <MailboxForm
              api={api}
              mailbox={open.mailbox}
              only={only}
              onClose={close}
              onSaved={(saved) => {
                void refresh();
                // Pushed mail needs its token next.
                if (saved.kind === 'push' && open.mailbox === null) return setOpen({ what: 'token', mailbox: saved });
                close();
                notify('success', open.mailbox ? `${saved.name} is saved` : `${saved.name} is added`);
              }}
            />
          </Suspense>
        )}
        {open?.what === 'token' && (
          <Suspense fallback={null}>
            <PushToken api={api} mailbox={open.mailbox} onClose={close} />
          </Suspense>
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
    </Part>
  );
}
