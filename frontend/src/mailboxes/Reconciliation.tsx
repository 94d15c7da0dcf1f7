/** Compares a mailbox with the ledger on demand: every message that is there has to be accounted for. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { Api } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Mailbox, Reconciliation as Found } from '../api/types/mailboxes';
import { missingOf, newest, outcomeOfComparison } from '../forms/reconciliation';
import { Moment } from '../parts/Moment';
import { ProblemMessage } from '../parts/ProblemMessage';

interface Props {
  api: Api;
  mailbox: Mailbox;
}

export function Reconciliation({ api, mailbox }: Props) {
  const [now, setNow] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const found = newest(now, mailbox.reconciled ?? null);
  // It goes on behind an answer that took too long, and its result comes with the mailbox.
  const isLate = problem?.status === 503;

  async function compare() {
    setBusy(true);
    setProblem(null);
    try {
      setNow(await api.reconcile(mailbox.id));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="mb-outcome">
      <Button spacing="compact" onClick={compare} isLoading={isBusy} aria-label={`Compare ${mailbox.name} with the ledger`}>
        Compare with the ledger
      </Button>
      {found && (
        <span role="status">
          <strong>{found.seen.toLocaleString()}</strong> seen, <strong>{found.accounted.toLocaleString()}</strong> accounted for,{' '}
          <strong className={found.unaccounted > 0 ? 'mb-danger' : undefined}>{found.unaccounted.toLocaleString()}</strong> unaccounted
          <span className="mb-quiet">
            {' '}
            (<Moment at={found.at} />)
          </span>
        </span>
      )}
      {isLate && <span className="mb-quiet">{problem.detail}</span>}
      {problem && !isLate && <ProblemMessage problem={problem} />}
      {found && found.unaccounted > 0 && (
        <div className="mb-whole">
          <SectionMessage appearance="warning" title={outcomeOfComparison(found)}>
            <ul className="mb-list">
              {missingOf(found).map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </SectionMessage>
        </div>
      )}
    </div>
  );
}
