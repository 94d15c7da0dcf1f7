/** A delivery's steps as words: the service's names and details made readable. */
import type { Step } from '../api/types/mails';

const NAMES: Readonly<Record<string, string>> = {
  issue: 'Create the issue',
  create_issue: 'Create the issue',
  comment: 'Add the comment',
  add_comment: 'Add the comment',
  attachment: 'Attach a file',
  attach: 'Attach a file',
  property: 'Mark it as ours',
};

export function stepName(step: Pick<Step, 'kind'>): string {
  return NAMES[step.kind] ?? step.kind.replaceAll('_', ' ');
}

/** The plain facts in a step's detail; what is nested or empty is for the log, not for people. */
export function factsOf(detail: unknown): [name: string, value: string][] {
  if (typeof detail === 'string') return detail === '' ? [] : [['detail', detail]];
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return [];
  return Object.entries(detail).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== 'string' && typeof value !== 'number') return [];
    return value === '' ? [] : [[name.replaceAll('_', ' '), String(value)]];
  });
}
