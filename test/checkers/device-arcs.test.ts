/**
 * The checkers' own rule for paths against the kernel's next-state table.
 *
 * Source: `vfio_from_fsm_table` and the skip rule of vfio_mig_get_next_state, drivers/vfio/vfio_main.c (v6.2 on), for a
 * device with all features: the next single step from a row's state towards a column's. A path is the table walked to the
 * end, passing over states whose features the device does not have; a blocked arc is EINVAL.
 */
import { describe, expect, test } from 'vitest';
import type { DeviceState, FeatureMask } from '../../machines/words.ts';
import { pathBetween } from '../../src/checkers/device-arcs.ts';

const COLUMNS = ['STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'] as const;
const NEXT: Readonly<Record<string, readonly string[]>> = {
  STOP: ['STOP', 'RUNNING_P2P', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'RUNNING_P2P', 'RUNNING_P2P'],
  RUNNING: ['RUNNING_P2P', 'RUNNING', 'RUNNING_P2P', 'RUNNING_P2P', 'RUNNING_P2P', 'PRE_COPY', 'RUNNING_P2P'],
  STOP_COPY: ['STOP', 'STOP', 'STOP_COPY', 'STOP', 'STOP', 'ERROR', 'ERROR'],
  RESUMING: ['STOP', 'STOP', 'STOP', 'RESUMING', 'STOP', 'STOP', 'STOP'],
  RUNNING_P2P: ['STOP', 'RUNNING', 'STOP', 'STOP', 'RUNNING_P2P', 'RUNNING', 'PRE_COPY_P2P'],
  PRE_COPY: ['RUNNING', 'RUNNING', 'PRE_COPY_P2P', 'RUNNING', 'RUNNING', 'PRE_COPY', 'PRE_COPY_P2P'],
  PRE_COPY_P2P: ['RUNNING_P2P', 'RUNNING_P2P', 'STOP_COPY', 'RUNNING_P2P', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'],
};
const NEEDS: Readonly<Record<string, number>> = { RUNNING_P2P: 2, PRE_COPY: 4, PRE_COPY_P2P: 6 };

const supports = (features: number, state: string) => (features & (NEEDS[state] ?? 0)) === (NEEDS[state] ?? 0);

function step(from: string, to: string, features: number): string {
  const next = (state: string) => (NEXT[state] as readonly string[])[COLUMNS.indexOf(to as 'STOP')] as string;
  let state = next(from);
  while (state !== 'ERROR' && !supports(features, state)) state = next(state);
  return state;
}

function walked(from: string, to: string, features: number): readonly string[] | undefined {
  if (!supports(features, to)) return undefined;
  const path: string[] = [];
  for (let state = from; state !== to; path.push(state)) {
    state = step(state, to, features);
    if (state === 'ERROR') return undefined;
  }
  return path;
}

describe.each([1, 3, 5, 7] as const)('features %i', (features: FeatureMask) => {
  const froms = COLUMNS.filter((state) => supports(features, state));

  test.each(froms)('from %s to every state', (from) => {
    const paths = (way: typeof walked) => Object.fromEntries(COLUMNS.map((to) => [to, way(from, to, features)]));
    const own = paths((one, other) => pathBetween(one as DeviceState, other as DeviceState, features));
    expect(own).toEqual(paths(walked));
  });

  test('nothing leads into ERROR or out of it', () => {
    for (const state of [...COLUMNS, 'ERROR'] as const) {
      expect(pathBetween(state, 'ERROR', features)).toBeUndefined();
      expect(pathBetween('ERROR', state, features)).toBeUndefined();
    }
  });
});

test.each([
  ['PRE_COPY', 'STOP_COPY', 7, ['PRE_COPY_P2P', 'STOP_COPY']],
  ['PRE_COPY', 'STOP_COPY', 5, ['STOP_COPY']],
  ['RUNNING', 'STOP_COPY', 7, ['RUNNING_P2P', 'STOP', 'STOP_COPY']],
  ['RUNNING', 'STOP_COPY', 1, ['STOP', 'STOP_COPY']],
  ['RESUMING', 'PRE_COPY', 7, ['STOP', 'RUNNING_P2P', 'RUNNING', 'PRE_COPY']],
  ['STOP_COPY', 'PRE_COPY', 7, undefined],
  ['RUNNING', 'RUNNING_P2P', 5, undefined],
  ['STOP', 'STOP', 1, []],
] as const)('%s to %s with features %i', (from, to, features, path) => {
  expect(pathBetween(from, to, features)).toEqual(path);
});
