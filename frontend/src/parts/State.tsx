/** A state as a lozenge. */
import Lozenge from '@atlaskit/lozenge';
import type { Word } from './words';

export function State({ word }: { word: Word }) {
  return <Lozenge appearance={word.appearance}>{word.label}</Lozenge>;
}
