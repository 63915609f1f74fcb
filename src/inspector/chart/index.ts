/** Drawings of any XState machine: a table of contents. */
import type { AnyStateMachine } from 'xstate';
import { chartGraph } from './graph.ts';
import { layoutChart } from './layout.ts';
import { paintSvg } from './svg.ts';

export { type ChartGraph, type ChartState, type ChartTransition, chartGraph } from './graph.ts';
export { drawMermaid } from './mermaid.ts';
export { drawScxml } from './scxml.ts';
export { graphMark } from './svg.ts';

/** A self-contained SVG. The same machine gives the same bytes. */
export async function drawSvg(machine: AnyStateMachine): Promise<string> {
  const graph = chartGraph(machine);
  return paintSvg(graph, await layoutChart(graph));
}
