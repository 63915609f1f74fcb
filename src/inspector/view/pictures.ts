/** Which picture of the gallery shows a chart. */
import type { AnyStateMachine } from 'xstate';
import { machines } from '../../../machines/index.ts';
import type { Snapshot } from '../../core/chart.ts';

const byRoot = new Map<unknown, string>(Object.entries(machines).map(([name, { config }]) => [config, name]));

/** A policy that was exchanged, or that only watches, is shown by the chart that it is; one of the user's own by its machine's id. */
export function pictureOf(machine: AnyStateMachine, snapshot: Snapshot): string {
  const own = (snapshot as { readonly machine?: AnyStateMachine }).machine ?? machine;
  return byRoot.get(own.config) ?? byRoot.get(machine.config) ?? `own/${own.id}`;
}
