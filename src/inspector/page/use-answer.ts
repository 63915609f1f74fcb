/** An answer to a question that changes with time: only the latest is asked, and the last answer stays until its answer comes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type AskLatest, askingLatest } from './latest.ts';

interface Answered<T> {
  readonly subject: string;
  readonly key: string;
  readonly answer: T;
}

/**
 * `subject`: of what; an answer about another one is never given out. `key`: what the answer depends on; undefined asks nothing.
 * A question that is refused leaves the last answer.
 */
export function useAnswer<T>(subject: string, key: string | undefined, ask: () => Promise<T>): Answered<T> | undefined {
  const [answered, setAnswered] = useState<Answered<T> | undefined>(undefined);
  const isGone = useRef(false);
  const askLatest = useRef<AskLatest<Answered<T>> | undefined>(undefined);
  askLatest.current ??= askingLatest((found) => {
    if (!isGone.current) setAnswered(found);
  });
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  useEffect(() => {
    if (key === undefined) return;
    askLatest.current?.(() => ask().then((answer) => ({ subject, key, answer })));
  }, [subject, key]);
  return answered?.subject === subject ? answered : undefined;
}
