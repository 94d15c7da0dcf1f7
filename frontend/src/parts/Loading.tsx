/** What stands above data that is asked for again and again: why it is not fresh, or that it comes. */
import Spinner from '@atlaskit/spinner';
import { ProblemMessage } from './ProblemMessage';
import type { Polled } from './usePolled';

interface Props extends Pick<Polled<unknown>, 'data' | 'problem'> {
  /** Says what is loading. */
  label: string;
}

export function Loading({ data, problem, label }: Props) {
  if (problem) return <ProblemMessage problem={problem} />;
  return data === null ? <Spinner label={label} /> : null;
}
