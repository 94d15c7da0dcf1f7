/** How many messages the chosen day is about: the mail server is asked when the typing pauses. */
import { useEffect, useState } from 'react';
import type { Api } from '../api/client';
import type { ConnectionBody } from '../api/types/mailboxes';
import { useSettled } from '../parts/useSettled';

const PAUSE_MS = 600;

/** question: see `dayQuestion`. The sentence to show; '' where there is nothing to say. */
export function useCounted(api: Api, question: string): string {
  const settled = useSettled(question, PAUSE_MS);
  const [answer, setAnswer] = useState({ question: '', sentence: '' });
  useEffect(() => {
    if (settled === '') return undefined;
    let isCurrent = true;
    const tell = (sentence: string) => {
      if (isCurrent) setAnswer({ question: settled, sentence });
    };
    api.previewMailbox(JSON.parse(settled) as ConnectionBody & { since: number }).then(
      ({ since }) => tell(since?.would ?? ''),
      () => tell('The server did not tell how many that are.'),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, settled]);
  if (question === '') return '';
  return answer.question === question ? answer.sentence : 'Counting…';
}
