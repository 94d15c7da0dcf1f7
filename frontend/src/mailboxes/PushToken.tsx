/** A push token for a mailbox: whose mail it is for, then the token, once, with the commands to use it. */
import Button from '@atlaskit/button/new';
import Modal from '@atlaskit/modal-dialog/modal-dialog';
import ModalBody from '@atlaskit/modal-dialog/modal-body';
import ModalFooter from '@atlaskit/modal-dialog/modal-footer';
import ModalHeader from '@atlaskit/modal-dialog/modal-header';
import ModalTitle from '@atlaskit/modal-dialog/modal-title';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import type { Mailbox, PushToken as Token, PushWay } from '../api/types/mailboxes';
import type { Errors } from '../forms/connection';
import { PUSH_WAYS, wayOf } from '../forms/push';
import { Choice } from '../parts/Choice';
import { CopyField } from '../parts/CopyField';
import { Form } from '../parts/Form';
import { InView } from '../parts/InView';
import { ProblemMessage } from '../parts/ProblemMessage';
import { TextField } from '../parts/TextField';
import { useForm } from '../parts/useForm';

interface Props {
  api: Api;
  mailbox: Mailbox;
  onClose: () => void;
}

export function PushToken({ api, mailbox, onClose }: Props) {
  const [via, setVia] = useState<PushWay>('pipe');
  const [key, setKey] = useState('');
  const [made, setMade] = useState<Token | null>(null);
  const { attach, errors, problem, busy, touched, act } = useForm<'making'>();
  const way = wayOf(via);

  const make = () => {
    const wrong: Errors = way.isKeyNeeded && key.trim() === '' ? { key: `Give it: ${way.label} is told from strangers by it.` } : {};
    return act('making', wrong, async () => {
      setMade(await api.newPushToken(mailbox.id, { via, key: way.keyLabel === null ? '' : key.trim() }));
    });
  };

  return (
    <Modal onClose={onClose} width="large" shouldCloseOnOverlayClick={false}>
      <ModalHeader hasCloseButton>
        <ModalTitle>Push mail to {mailbox.name}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        {made ? (
          <Made made={made} isInAddress={via !== 'pipe'} />
        ) : (
          <Form id="push-form" attach={attach} onSubmit={make}>
            <Choice
              label="Who brings the mail"
              value={via}
              options={PUSH_WAYS.map(({ way: value, label }) => ({ value, label, of: value }))}
              hint={way.hint}
              error={errors.via}
              onChange={(chosen) => {
                if (chosen) setVia(chosen);
                touched('via');
              }}
            />
            {way.keyLabel !== null && (
              <TextField
                label={way.keyLabel}
                name="key"
                type={way.isSecret ? 'password' : 'text'}
                autoComplete="new-password"
                isRequired={way.isKeyNeeded}
                hint={way.keyHint}
                value={key}
                error={errors.key}
                onChange={(typed) => {
                  setKey(typed);
                  touched('key');
                }}
              />
            )}
            <p>The token that this mailbox had before, if any, opens nothing any more.</p>
            {problem && <ProblemMessage problem={problem} fields={['via', 'key']} />}
          </Form>
        )}
      </ModalBody>
      <ModalFooter>
        {made ? (
          <Button appearance="primary" onClick={onClose}>
            I have kept it
          </Button>
        ) : (
          <>
            <Button appearance="subtle" onClick={onClose}>
              Cancel
            </Button>
            <Button appearance="primary" type="submit" form="push-form" isLoading={busy !== null}>
              Make a token
            </Button>
          </>
        )}
      </ModalFooter>
    </Modal>
  );
}

/** `isInAddress`: services send no header of ours, so that the token is the end of their address. */
function Made({ made, isInAddress }: { made: Token; isInAddress: boolean }) {
  return (
    <InView role="status">
      <div className="mb-form">
        <SectionMessage appearance="warning" title={isInAddress ? 'The address is shown this once' : 'The token is shown this once'}>
          <p>
            {isInAddress
              ? 'It has the push token in it: whoever knows it can bring mail to this mailbox. Give it to the service alone.'
              : 'Whoever has it can bring mail to this mailbox. Keep it where your mail server reads it.'}
          </p>
        </SectionMessage>
        {!isInAddress && <CopyField label="Push token" value={made.token} isSecret />}
        <CopyField label="Where to bring the mail" value={made.url} />
        {made.commands.length > 0 && (
          <div>
            <strong>What to do with it</strong>
            <ol className="mb-list">
              {made.commands.map((command, index) => (
                <li key={index}>{command.includes('\n') ? <pre className="mb-command">{command}</pre> : command}</li>
              ))}
            </ol>
            <div className="mb-after">
              <CopyButton text={made.commands.join('\n')} />
            </div>
          </div>
        )}
      </div>
    </InView>
  );
}

function CopyButton({ text }: { text: string }) {
  const [said, setSaid] = useState('');
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      setSaid('Your browser lets no page copy here: mark the lines and press Ctrl+C');
    }
  }
  return (
    <span className="mb-outcome">
      <Button onClick={copy}>Copy all of it</Button>
      <span role="status" className="mb-quiet">
        {said}
      </span>
    </span>
  );
}
