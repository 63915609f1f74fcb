/** What a chart's picture is drawn from: with its descriptions, guards and actions in words. */
import { type ChartGraph, type ChartState, statesOf } from '../../chart/graph.ts';
import { useStore } from '../store.ts';
import { useAnswer } from '../use-answer.ts';

/** Undefined while it is on its way, and for a chart of which nobody has told. */
export function useGraph(picture: string | undefined): ChartGraph | undefined {
  const { session, engine } = useStore();
  const listed = session.value?.machines.find(({ name }) => name === picture)?.graph;
  const isAsked = listed === undefined && picture !== undefined;
  const found = useAnswer(`graph ${picture}`, isAsked ? '' : undefined, () => engine.ask('graph', picture ?? ''));
  return listed ?? found?.answer;
}

export function stateIn(graph: ChartGraph, path: string): ChartState | undefined {
  return statesOf(graph.root).find(({ id }) => id === path);
}

/** `a.b` -> `a.b`, `a` and the root. */
export function withParents(path: string): readonly string[] {
  const keys = path === '' ? [] : path.split('.');
  return [...keys.map((_, index) => keys.slice(0, keys.length - index).join('.')), ''];
}
