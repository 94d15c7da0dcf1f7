/** A question before something that cannot be taken back. */
import Button from '@atlaskit/button/new';
import Modal from '@atlaskit/modal-dialog/modal-dialog';
import ModalBody from '@atlaskit/modal-dialog/modal-body';
import ModalFooter from '@atlaskit/modal-dialog/modal-footer';
import ModalHeader from '@atlaskit/modal-dialog/modal-header';
import ModalTitle from '@atlaskit/modal-dialog/modal-title';
import { useState, type ReactNode } from 'react';
import { asProblem, type Problem } from '../api/problem';
import { ProblemMessage } from './ProblemMessage';

interface Props {
  title: string;
  action: string;
  children: ReactNode;
  /** Does it; the dialog closes when it succeeds. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

export function Confirm({ title, action, children, onConfirm, onClose }: Props) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  async function confirm() {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  }

  return (
    <Modal onClose={onClose} width="small">
      <ModalHeader hasCloseButton>
        <ModalTitle appearance="danger">{title}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        {children}
        {problem && <ProblemMessage problem={problem} />}
      </ModalBody>
      <ModalFooter>
        <Button appearance="subtle" onClick={onClose}>
          Cancel
        </Button>
        <Button appearance="danger" onClick={confirm} isLoading={isBusy}>
          {action}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
