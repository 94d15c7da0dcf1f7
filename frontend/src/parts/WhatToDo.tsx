/** What is wrong in more words, and what to do about it. */
import type { TestProblem } from '../api/types/servers';

export function WhatToDo({ detail, remedy }: Pick<TestProblem, 'detail' | 'remedy'>) {
  return (
    <>
      {detail && <p>{detail}</p>}
      {remedy && (
        <p>
          <strong>What to do:</strong> {remedy}
        </p>
      )}
    </>
  );
}
