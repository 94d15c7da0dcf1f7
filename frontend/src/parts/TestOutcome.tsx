/** What a connection test found, or what is wrong and what to do about it. */
import SectionMessage from '@atlaskit/section-message';
import type { TestResult } from '../api/types/servers';
import { InView } from './InView';
import { WhatToDo } from './WhatToDo';

export function TestOutcome({ result }: { result: TestResult }) {
  const { ok, findings, problem } = result;
  return (
    <InView role="status">
      <SectionMessage
        appearance={ok ? 'success' : 'error'}
        title={ok ? 'The connection works' : (problem?.title ?? 'The connection does not work')}
      >
        {problem && <WhatToDo {...problem} />}
        {findings.length > 0 && (
          <ul className="mb-list">
            {findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        )}
      </SectionMessage>
    </InView>
  );
}
