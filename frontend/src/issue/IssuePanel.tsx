/** In an issue: the mail that it came of or that belongs to it, and the letters that went out about it. */
import Heading from '@atlaskit/heading';
import { useCallback } from 'react';
import type { Api } from '../api/client';
import type { Mail } from '../api/types/mails';
import type { Delivery } from '../api/types/outgoing';
import { senderIn } from '../mails/people';
import { Loading } from '../parts/Loading';
import { Moment } from '../parts/Moment';
import { State } from '../parts/State';
import { usePolled } from '../parts/usePolled';
import { DELIVERY_STATES, outcomeOf, whyOf, wordFor } from '../parts/words';

const REFRESH_SECONDS = 10;

export function IssuePanel({ api, issue }: { api: Api; issue: string }) {
  const loadMails = useCallback(() => api.issueMails(issue), [api, issue]);
  const loadLetters = useCallback(() => api.issueDeliveries(issue), [api, issue]);
  const mails = usePolled(loadMails, REFRESH_SECONDS);
  const letters = usePolled(loadLetters, REFRESH_SECONDS);
  return (
    <main className="mb-panel-page">
      <Loading data={mails.data && letters.data} problem={mails.problem ?? letters.problem} label="Loading the mail of this issue" />
      {mails.data && (
        <section aria-labelledby="in-heading">
          <Heading size="xsmall" as="h2" id="in-heading">
            What came in
          </Heading>
          <MailsOfIssue mails={mails.data} />
        </section>
      )}
      {letters.data && (
        <section aria-labelledby="out-heading">
          <Heading size="xsmall" as="h2" id="out-heading">
            What was sent
          </Heading>
          <LettersOfIssue letters={letters.data} />
        </section>
      )}
    </main>
  );
}

function MailsOfIssue({ mails }: { mails: readonly Mail[] }) {
  if (mails.length === 0) return <p className="mb-quiet">No mail belongs to this issue.</p>;
  return (
    <ul className="mb-letters">
      {mails.map((mail) => {
        const { name, address } = senderIn(mail.from);
        return (
          <li key={mail.id}>
            <div className="mb-outcome">
              <State word={outcomeOf(mail)} />
              <strong>{name}</strong>
              {address && <span className="mb-quiet">{address}</span>}
              <span className="mb-when">
                <Moment at={mail.received_at} />
              </span>
            </div>
            <div>{mail.subject ?? '(no subject)'}</div>
            <div className="mb-quiet">{whyOf(mail)}</div>
          </li>
        );
      })}
    </ul>
  );
}

function LettersOfIssue({ letters }: { letters: readonly Delivery[] }) {
  if (letters.length === 0) return <p className="mb-quiet">No mail has been sent about this issue.</p>;
  return (
    <ul className="mb-letters">
      {letters.map((letter) => (
        <li key={letter.id}>
          <div className="mb-outcome">
            <State word={wordFor(DELIVERY_STATES, letter.state)} />
            <strong>{letter.recipient}</strong>
            <span className="mb-when">
              <Moment at={letter.sent_at ?? letter.created_at} />
            </span>
          </div>
          {letter.reason && <div className="mb-quiet">{letter.reason}</div>}
          {letter.error && <div className="mb-error">{letter.error}</div>}
        </li>
      ))}
    </ul>
  );
}
