/** A failed request as a message: what happened, what to do, and the id under which the log has it. */
import SectionMessage from '@atlaskit/section-message';
import type { Problem } from '../api/problem';
import { fieldOf } from '../forms/errors';
import { InView } from './InView';

interface Props {
  problem: Problem;
  /** Fields that show their own sentences; those of other fields are listed here. */
  fields?: readonly string[];
}

export function ProblemMessage({ problem, fields = [] }: Props) {
  const general = Object.entries(problem.errors).filter(([path]) => !fields.includes(fieldOf(path)));
  return (
    <InView role="alert">
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
        {problem.requestId && problem.status >= 500 && <p className="mb-quiet">Request {problem.requestId}</p>}
      </SectionMessage>
    </InView>
  );
}
