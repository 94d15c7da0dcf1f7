/** One mail in a panel: what became of it, why, and what Mailbridge did step by step. */
import Button from '@atlaskit/button/new';
import Drawer from '@atlaskit/drawer/drawer';
import { DrawerCloseButton } from '@atlaskit/drawer/drawer-close-button';
import { DrawerContent } from '@atlaskit/drawer/drawer-content';
import { DrawerSidebar } from '@atlaskit/drawer/drawer-sidebar';
import Heading from '@atlaskit/heading';
import CrossIcon from '@atlaskit/icon/core/cross';
import { useCallback, useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Mailbox } from '../api/types/mailboxes';
import type { MailDetail, Step } from '../api/types/mails';
import { IssueLink } from '../parts/IssueLink';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import { sizeOf } from '../parts/moments';
import { ProblemMessage } from '../parts/ProblemMessage';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { canProcessAnyway, canRetry, outcomeOf } from '../parts/words';
import { factsOf, stepName } from './steps';

interface Props {
  api: Api;
  /** The mail to show, null when the panel is closed. */
  id: string | null;
  mailboxes: readonly Mailbox[];
  onClose: () => void;
  onRetried: () => void;
}

export function MailPanel({ api, id, mailboxes, onClose, onRetried }: Props) {
  return (
    <Drawer isOpen={id !== null} onClose={onClose} enterFrom="right" width="wide" label="Mail">
      <DrawerSidebar>
        <DrawerCloseButton label="Close" icon={CrossIcon} />
      </DrawerSidebar>
      <DrawerContent>{id !== null && <Content key={id} api={api} id={id} mailboxes={mailboxes} onRetried={onRetried} />}</DrawerContent>
    </Drawer>
  );
}

const REFRESH_SECONDS = 3;

interface ContentProps {
  api: Api;
  id: string;
  mailboxes: readonly Mailbox[];
  onRetried: () => void;
}

function Content({ api, id, mailboxes, onRetried }: ContentProps) {
  const load = useCallback(() => api.mail(id), [api, id]);
  const { data, problem, refresh } = usePolled(load, REFRESH_SECONDS);
  const [failure, setFailure] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function retry(ask: () => Promise<unknown>) {
    setBusy(true);
    setFailure(null);
    try {
      await ask();
      onRetried();
      await refresh();
    } catch (thrown) {
      setFailure(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="mb-panel">
      <Loading data={data} problem={problem} label="Loading the mail" />
      {data && (
        <>
          <Heading size="medium" as="h2">
            {data.subject ?? '(no subject)'}
          </Heading>
          <div className="mb-outcome">
            <State word={outcomeOf(data)} />
            {data.issue_key && <IssueLink issue={data.issue_key} />}
            {canRetry(data.state) && (
              <Button appearance="primary" spacing="compact" onClick={() => retry(() => api.retryMail(id))} isLoading={isBusy}>
                Retry
              </Button>
            )}
            {canProcessAnyway(data) && (
              <Button spacing="compact" onClick={() => retry(() => api.processAnyway(id))} isLoading={isBusy}>
                Process anyway
              </Button>
            )}
          </div>
          {failure && <ProblemMessage problem={failure} />}
          <Facts mail={data} mailbox={mailboxes.find((mailbox) => mailbox.id === data.mailbox_id)?.name ?? null} />
          <Explanation mail={data} />
          <Steps steps={data.steps} />
        </>
      )}
    </div>
  );
}

function Facts({ mail, mailbox }: { mail: MailDetail; mailbox: string | null }) {
  return (
    <dl className="mb-facts">
      <div>
        <dt>From</dt>
        <dd>{mail.from ?? 'Unknown sender'}</dd>
      </div>
      <div>
        <dt>Received</dt>
        <dd>
          <Moment at={mail.received_at} />
        </dd>
      </div>
      {mailbox && (
        <div>
          <dt>Mailbox</dt>
          <dd>{mailbox}</dd>
        </div>
      )}
      <div>
        <dt>Size</dt>
        <dd>{sizeOf(mail.size)}</dd>
      </div>
      <div>
        <dt>Attempts</dt>
        <dd>{mail.attempts}</dd>
      </div>
    </dl>
  );
}

function Explanation({ mail }: { mail: MailDetail }) {
  const sentences = mail.explanation.length > 0 ? mail.explanation : [mail.reason ?? 'Mailbridge has not looked at this mail yet.'];
  return (
    <div>
      <Heading size="xsmall" as="h3">
        Why
      </Heading>
      <ul className="mb-list">
        {sentences.map((sentence, index) => (
          <li key={index}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  if (steps.length === 0) return null;
  return (
    <div>
      <Heading size="xsmall" as="h3">
        What was done
      </Heading>
      <ol className="mb-timeline">
        {steps.map((step, index) => (
          <li key={index} data-state={step.state}>
            <div>
              <strong>{stepName(step)}</strong> <span className="mb-quiet">{step.state}</span>
            </div>
            <div className="mb-quiet">
              <Moment at={step.at} />
              {factsOf(step.detail).map(([name, value]) => (
                <span key={name} className="mb-fact">
                  {name}: {value}
                </span>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
