/** What was looked at, one line each: how it stands, why it matters, and what to do where it lacks. */
import { mostUrgentFirst, wordOf, type Check } from '../site/checks';
import { State } from './State';

export function CheckList({ label, checks }: { label: string; checks: readonly Check[] }) {
  return (
    <ul className="mb-checks" aria-label={label}>
      {mostUrgentFirst(checks).map((check) => (
        <li key={check.key}>
          <State word={wordOf(check)} />
          <div>
            <strong>{check.label}</strong>
            {check.detail && <div className="mb-quiet">{check.detail}</div>}
            {check.ok !== true && check.remedy && (
              <div>
                <strong>What to do:</strong> {check.remedy}
              </div>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
