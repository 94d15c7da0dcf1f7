/** Connects a mailbox or changes one: a form in a modal, with a test of the connection before saving. */
import Button from '@atlaskit/button/new';
import Modal from '@atlaskit/modal-dialog/modal-dialog';
import ModalBody from '@atlaskit/modal-dialog/modal-body';
import ModalFooter from '@atlaskit/modal-dialog/modal-footer';
import ModalHeader from '@atlaskit/modal-dialog/modal-header';
import ModalTitle from '@atlaskit/modal-dialog/modal-title';
import SectionMessage from '@atlaskit/section-message';
import { useRef, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Mailbox, Project, TestResult } from '../api/types';
import type { Errors } from '../forms/connection';
import {
  blankMailbox,
  checkConnection,
  checkMailbox,
  connectionOf,
  draftOfMailbox,
  MAILBOX_FIELDS,
  mailboxBody,
  testBody,
  type MailboxDraft,
  withProject,
  withSecurity,
  withUsername,
} from '../forms/mailbox';
import { fieldSentences, problemField, withoutField } from '../forms/errors';
import { focusFirstError } from '../parts/focus';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { ServerFields } from '../parts/ServerFields';
import { TestOutcome } from '../parts/TestOutcome';
import { AdvancedFields, RoutingFields } from './MailboxFields';

interface Props {
  api: Api;
  /** Null: a new one. */
  mailbox: Mailbox | null;
  /** The one project that it may be for; null: any. */
  only: Project | null;
  onSaved: (mailbox: Mailbox) => void;
  onClose: () => void;
}

type Busy = 'testing' | 'saving' | null;

export function MailboxForm({ api, mailbox, only, onSaved, onClose }: Props) {
  const [draft, setDraft] = useState<MailboxDraft>(() => (mailbox ? draftOfMailbox(mailbox) : withProject(blankMailbox(), only)));
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [result, setResult] = useState<TestResult | null>(null);
  const [folders, setFolders] = useState<readonly string[]>([]);
  // A stored mailbox counts as tested: only a changed connection is asked about.
  const [tested, setTested] = useState<string | null>(() => (mailbox ? connectionOf(draft) : null));
  const [isAsking, setAsking] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const [opened] = useState(draft);
  const [busy, setBusy] = useState<Busy>(null);
  const form = useRef<HTMLFormElement>(null);
  const hasSecret = mailbox?.has_secret ?? false;

  function change(next: MailboxDraft, field: string) {
    setDraft(next);
    setErrors((before) => withoutField(before, field));
    if (connectionOf(next) !== connectionOf(draft)) setResult(null);
    setAsking(false);
    setLeaving(false);
  }

  /** Escape and the cross are pressed by mistake: what was typed goes only when a person says so. */
  function leave() {
    if (draft === opened) onClose();
    else setLeaving(true);
  }

  async function test() {
    const wrong = checkConnection(draft, hasSecret);
    setResult(null);
    setProblem(null);
    if (showErrors(wrong)) return;
    setBusy('testing');
    try {
      const answer = await api.testMailbox(testBody(draft, mailbox?.id ?? null));
      setResult(answer);
      if (answer.folders && answer.folders.length > 0) setFolders(answer.folders);
      if (answer.ok) setTested(connectionOf(draft));
      else showErrors(problemField(answer.problem));
    } catch (thrown) {
      fail(thrown);
    } finally {
      setBusy(null);
    }
  }

  async function save() {
    const wrong = checkMailbox(draft, hasSecret);
    setProblem(null);
    if (showErrors(wrong)) return;
    if (tested !== connectionOf(draft) && !isAsking) {
      setAsking(true);
      return;
    }
    setBusy('saving');
    try {
      const body = mailboxBody(draft, mailbox === null);
      onSaved(mailbox ? await api.changeMailbox(mailbox.id, body) : await api.createMailbox(body));
    } catch (thrown) {
      fail(thrown);
      setBusy(null);
    }
  }

  function fail(thrown: unknown) {
    const failure = asProblem(thrown);
    showErrors(fieldSentences(failure.errors));
    setProblem(failure);
  }

  /** True when there are any; the first one gets the focus. */
  function showErrors(wrong: Errors): boolean {
    setErrors(wrong);
    const isWrong = Object.keys(wrong).length > 0;
    if (isWrong) focusFirstError(form.current);
    return isWrong;
  }

  const fields = { api, draft, errors, change, folders, isNew: mailbox === null, isOneProject: only !== null };
  return (
    <Modal onClose={leave} width="large" shouldCloseOnOverlayClick={false}>
      <ModalHeader hasCloseButton>
        <ModalTitle>{mailbox ? `Change ${mailbox.name}` : 'Connect a mailbox'}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <form
          id="mailbox-form"
          ref={form}
          className="mb-form"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <ServerFields
            legend="Mail server (IMAP)"
            example="imap.example.com"
            needsLogin
            hasSecret={hasSecret}
            draft={draft}
            errors={errors}
            change={change}
            withSecurity={withSecurity}
            withUsername={withUsername}
          />
          <div className="mb-test">
            <Button onClick={test} isLoading={busy === 'testing'} isDisabled={busy === 'saving'}>
              Test connection
            </Button>
            {result && <TestOutcome result={result} />}
          </div>
          <RoutingFields {...fields} />
          <AdvancedFields {...fields} />
          {problem && <ProblemMessage problem={problem} fields={MAILBOX_FIELDS} />}
          {isAsking && (
            <InView role="alert">
              <SectionMessage appearance="warning" title="This connection has not passed a test">
                <p>Mailbridge may not be able to read the mailbox. Test the connection first, or save it as it is.</p>
              </SectionMessage>
            </InView>
          )}
          {Object.keys(errors).length > 0 && !problem && (
            <p className="mb-error">Some fields above need your attention.</p>
          )}
        </form>
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
              isLoading={busy === 'saving'}
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
