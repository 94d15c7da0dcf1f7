/** Data that is fetched again every few seconds while the page is looked at. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../api/problem';

export interface Polled<T> {
  /** The newest answer; stays while a later request fails. */
  data: T | null;
  /** Why the newest request failed, null once one succeeds. */
  problem: Problem | null;
  refresh: () => Promise<void>;
}

/** `load` must keep its identity (useCallback); a new one is asked at once. */
export function usePolled<T>(load: () => Promise<T>, everySeconds: number): Polled<T> {
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const turn = useRef(0);

  const refresh = useCallback(async () => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const answer = await load();
      if (mine !== turn.current) return;
      setData(answer);
      setProblem(null);
    } catch (thrown) {
      if (mine === turn.current) setProblem(asProblem(thrown));
    }
  }, [load]);

  useEffect(() => {
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tick = async (isFirst: boolean) => {
      if (isFirst || !document.hidden) await refresh();
      if (!ended) timer = setTimeout(() => void tick(false), everySeconds * 1000);
    };
    void tick(true);
    return () => {
      ended = true;
      clearTimeout(timer);
      turn.current += 1;
    };
  }, [refresh, everySeconds]);

  return { data, problem, refresh };
}
