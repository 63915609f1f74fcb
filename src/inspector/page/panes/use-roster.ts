/** Every chart that a run, and the one beside it, ever opened: it grows while they are folded and stays as it is then. */
import type { RosterEntry } from '../../view/roster.ts';
import { type RunState, useStore } from '../store.ts';
import { useAnswer } from '../use-answer.ts';

export function useRoster(run: RunState | undefined): readonly RosterEntry[] {
  const { engine } = useStore();
  const id = run?.header.id ?? '';
  const folded = run?.course.value?.folded ?? 0;
  const found = useAnswer(`roster ${id}`, folded === 0 ? undefined : String(folded), () => engine.ask('roster', id));
  return found?.answer ?? [];
}
