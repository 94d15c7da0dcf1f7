/** A failed request as a message: what happened, what to do, and the id under which the log has it. */
import SectionMessage from '@atlaskit/section-message';
import type { Problem } from '../api/problem';

export function ProblemMessage({ problem }: { problem: Problem }) {
  const general = Object.entries(problem.errors);
  return (
    <div role="alert">
      <SectionMessage appearance="error" title={problem.title}>
        {problem.detail && <p>{problem.detail}</p>}
        {general.length > 0 && (
          <ul className="mb-list">
            {general.map(([field, sentences]) => (
              <li key={field}>
                <strong>{field.replaceAll('_', ' ')}</strong>: {sentences.join(' ')}
              </li>
            ))}
          </ul>
        )}
        {problem.requestId && <p className="mb-quiet">Request {problem.requestId}</p>}
      </SectionMessage>
    </div>
  );
}
