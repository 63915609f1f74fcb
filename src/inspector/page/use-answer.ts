/** An answer to a question that changes with time: one is under way, the latest is asked next, and the last answer stays until then. */
import { useEffect, useRef, useState } from 'preact/hooks';

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
  const state = useRef<{ isAsking: boolean; isGone: boolean; wanted: (() => Promise<Answered<T>>) | undefined }>({
    isAsking: false,
    isGone: false,
    wanted: undefined,
  });
  useEffect(() => {
    state.current.isGone = false;
    return () => {
      state.current.isGone = true;
    };
  }, []);
  useEffect(() => {
    if (key === undefined) return;
    state.current.wanted = () => ask().then((answer) => ({ subject, key, answer }));
    const next = async () => {
      const { isAsking, wanted } = state.current;
      if (isAsking || wanted === undefined) return;
      state.current.isAsking = true;
      state.current.wanted = undefined;
      const found = await wanted().catch(() => undefined);
      state.current.isAsking = false;
      if (found !== undefined && !state.current.isGone) setAnswered(found);
      void next();
    };
    void next();
  }, [subject, key]);
  return answered?.subject === subject ? answered : undefined;
}
