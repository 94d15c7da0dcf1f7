/** Connects a mailbox or changes one: a form in a modal, with a test of the connection and a look at what is there before saving. */
import Button from '@atlaskit/button/new';
import Modal from '@atlaskit/modal-dialog/modal-dialog';
import ModalBody from '@atlaskit/modal-dialog/modal-body';
import ModalFooter from '@atlaskit/modal-dialog/modal-footer';
import ModalHeader from '@atlaskit/modal-dialog/modal-header';
import ModalTitle from '@atlaskit/modal-dialog/modal-title';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Project } from '../api/types/jira';
import type { Mailbox } from '../api/types/mailboxes';
import { MAILBOX_FIELDS } from '../forms/mailbox';
import { Form } from '../parts/Form';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TestOutcome } from '../parts/TestOutcome';
import { AdvancedFields, RoutingFields } from './MailboxFields';
import { ReadingFields } from './ReadingFields';
import { SourceFields } from './SourceFields';
import { useMailboxForm } from './useMailboxForm';

interface Props {
  api: Api;
  /** Null: a new one. */
  mailbox: Mailbox | null;
  /** The one project that it may be for; null: any. */
  only: Project | null;
  onSaved: (mailbox: Mailbox) => void;
  onClose: () => void;
}

export function MailboxForm({ api, mailbox, only, onSaved, onClose }: Props) {
  const { draft, opened, errors, problem, busy, isAsking, attach, test, save, ...form } = useMailboxForm({ api, mailbox, only, onSaved });
  const [isLeaving, setLeaving] = useState(false);

  /** Escape and the cross are pressed by mistake: what was typed goes only when a person says so. */
  function leave() {
    if (draft === opened) onClose();
    else setLeaving(true);
  }

  const change: typeof form.change = (next, field) => {
    setLeaving(false);
    form.change(next, field);
  };
  const fields = { api, draft, errors, change };
  return (
    <Modal onClose={leave} width="large" shouldCloseOnOverlayClick={false}>
      <ModalHeader hasCloseButton>
        <ModalTitle>{mailbox ? `Change ${mailbox.name}` : 'Connect a mailbox'}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <Form id="mailbox-form" attach={attach} onSubmit={save}>
          <SourceFields {...fields} id={form.id} presets={form.presets} hasSecret={form.hasSecret} />
          {draft.kind !== 'push' && (
            <>
              <div className="mb-test">
                <Button onClick={test} isLoading={busy === 'testing'} isDisabled={busy !== null && busy !== 'testing'}>
                  Test connection
                </Button>
                {form.result && <TestOutcome result={form.result} />}
              </div>
              <ReadingFields {...fields} folders={form.folders} preview={form.preview} counted={form.counted} />
            </>
          )}
          <RoutingFields {...fields} isOneProject={only !== null} />
          <AdvancedFields {...fields} />
          {problem && <ProblemMessage problem={problem} fields={MAILBOX_FIELDS} />}
          {isAsking && (
            <InView role="alert">
              <SectionMessage appearance="warning" title="This connection has not passed a test">
                <p>
                  Mailbridge may not be able to read the mailbox. Test the connection first, or save it as it is: then of its mail
                  only what arrives from now on is handled.
                </p>
              </SectionMessage>
            </InView>
          )}
          {Object.keys(errors).length > 0 && !problem && (
            <p className="mb-error">Some fields above need your attention.</p>
          )}
        </Form>
      </ModalBody>
      <ModalFooter>
        {isLeaving ? (
          <>
            <strong role="alert">Discard what you typed?</strong>
            <Button onClick={() => setLeaving(false)}>Keep editing</Button>
            <Button appearance="danger" onClick={onClose}>
              Discard
            </Button>
          </>
        ) : (
          <>
            <Button appearance="subtle" onClick={leave}>
              Cancel
            </Button>
            <Button
              appearance={isAsking ? 'warning' : 'primary'}
              type="submit"
              form="mailbox-form"
              isLoading={busy === 'saving' || busy === 'looking'}
              isDisabled={busy === 'testing'}
            >
              {isAsking ? 'Save untested' : mailbox ? 'Save' : 'Connect mailbox'}
            </Button>
          </>
        )}
      </ModalFooter>
    </Modal>
  );
}
