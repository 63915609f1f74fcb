/**
 * Every way through the machine, for all four feature masks: the kernel's tables as data, a search written here from the
 * rules alone, `path` and `nextArc`, and the chart itself, walked whole and arc by arc. All must agree in every cell.
 */
import { describe, expect, test } from 'vitest';
import { getMicrosteps, initialTransition, transition } from 'xstate';
import { ARCS, nextArc, path } from '../../machines/vfio-arcs.ts';
import { vfioDevice } from '../../machines/vfio-device.ts';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import { DEVICE_STATES, type DeviceState, type FeatureMask } from '../../machines/words.ts';

const NAMES: Readonly<Record<string, DeviceState>> = {
  ERR: 'ERROR',
  STOP: 'STOP',
  RUN: 'RUNNING',
  SCOPY: 'STOP_COPY',
  RESM: 'RESUMING',
  R_P2P: 'RUNNING_P2P',
  PC: 'PRE_COPY',
  PC_P2P: 'PRE_COPY_P2P',
};
const named = (short: string): DeviceState => {
  const name = NAMES[short];
  if (name === undefined) throw new Error(`no state is called ${short}`);
  return name;
};
const rows = (table: string) => {
  const cells = (line: string) => line.split('|').map((cell) => cell.trim());
  return table.trim().split('\n').map(cells);
};

/**
 * Full paths: `vfio_mig_get_next_state` of drivers/vfio/vfio_main.c (with commit a26b499b757c) iterated. `direct`: one arc.
 * EINVAL(t): the target is unsupported. EINVAL(b): both ends are supported and the way is blocked. n/a: `from` is unsupported.
 */
const MASKS: readonly FeatureMask[] = [7, 5, 3, 1];
const PATHS = rows(`
STOP   | RUN    | R_P2P→RUN            | direct        | R_P2P→RUN        | direct
STOP   | SCOPY  | direct               | direct        | direct           | direct
STOP   | RESM   | direct               | direct        | direct           | direct
STOP   | R_P2P  | direct               | EINVAL(t)     | direct           | EINVAL(t)
STOP   | PC     | R_P2P→RUN→PC         | RUN→PC        | EINVAL(t)        | EINVAL(t)
STOP   | PC_P2P | R_P2P→PC_P2P         | EINVAL(t)     | EINVAL(t)        | EINVAL(t)
RUN    | STOP   | R_P2P→STOP           | direct        | R_P2P→STOP       | direct
RUN    | SCOPY  | R_P2P→STOP→SCOPY     | STOP→SCOPY    | R_P2P→STOP→SCOPY | STOP→SCOPY
RUN    | RESM   | R_P2P→STOP→RESM      | STOP→RESM     | R_P2P→STOP→RESM  | STOP→RESM
RUN    | R_P2P  | direct               | EINVAL(t)     | direct           | EINVAL(t)
RUN    | PC     | direct               | direct        | EINVAL(t)        | EINVAL(t)
RUN    | PC_P2P | R_P2P→PC_P2P         | EINVAL(t)     | EINVAL(t)        | EINVAL(t)
SCOPY  | STOP   | direct               | direct        | direct           | direct
SCOPY  | RUN    | STOP→R_P2P→RUN       | STOP→RUN      | STOP→R_P2P→RUN   | STOP→RUN
SCOPY  | RESM   | STOP→RESM            | STOP→RESM     | STOP→RESM        | STOP→RESM
SCOPY  | R_P2P  | STOP→R_P2P           | EINVAL(t)     | STOP→R_P2P       | EINVAL(t)
SCOPY  | PC     | EINVAL(b)            | EINVAL(b)     | EINVAL(t)        | EINVAL(t)
SCOPY  | PC_P2P | EINVAL(b)            | EINVAL(t)     | EINVAL(t)        | EINVAL(t)
RESM   | STOP   | direct               | direct        | direct           | direct
RESM   | RUN    | STOP→R_P2P→RUN       | STOP→RUN      | STOP→R_P2P→RUN   | STOP→RUN
RESM   | SCOPY  | STOP→SCOPY           | STOP→SCOPY    | STOP→SCOPY       | STOP→SCOPY
RESM   | R_P2P  | STOP→R_P2P           | EINVAL(t)     | STOP→R_P2P       | EINVAL(t)
RESM   | PC     | STOP→R_P2P→RUN→PC    | STOP→RUN→PC   | EINVAL(t)        | EINVAL(t)
RESM   | PC_P2P | STOP→R_P2P→PC_P2P    | EINVAL(t)     | EINVAL(t)        | EINVAL(t)
R_P2P  | STOP   | direct               | n/a           | direct           | n/a
R_P2P  | RUN    | direct               | n/a           | direct           | n/a
R_P2P  | SCOPY  | STOP→SCOPY           | n/a           | STOP→SCOPY       | n/a
R_P2P  | RESM   | STOP→RESM            | n/a           | STOP→RESM        | n/a
R_P2P  | PC     | RUN→PC               | n/a           | EINVAL(t)        | n/a
R_P2P  | PC_P2P | direct               | n/a           | EINVAL(t)        | n/a
PC     | STOP   | RUN→R_P2P→STOP       | RUN→STOP      | n/a              | n/a
PC     | RUN    | direct               | direct        | n/a              | n/a
PC     | SCOPY  | PC_P2P→SCOPY         | direct        | n/a              | n/a
PC     | RESM   | RUN→R_P2P→STOP→RESM  | RUN→STOP→RESM | n/a              | n/a
PC     | R_P2P  | RUN→R_P2P            | EINVAL(t)     | n/a              | n/a
PC     | PC_P2P | direct               | EINVAL(t)     | n/a              | n/a
PC_P2P | STOP   | R_P2P→STOP           | n/a           | n/a              | n/a
PC_P2P | RUN    | R_P2P→RUN            | n/a           | n/a              | n/a
PC_P2P | SCOPY  | direct               | n/a           | n/a              | n/a
PC_P2P | RESM   | R_P2P→STOP→RESM      | n/a           | n/a              | n/a
PC_P2P | R_P2P  | direct               | n/a           | n/a              | n/a
PC_P2P | PC     | direct               | n/a           | n/a              | n/a
`);

interface Cell {
  readonly features: FeatureMask;
  readonly from: DeviceState;
  readonly target: DeviceState;
  readonly printed: string;
}
const CELLS: readonly Cell[] = PATHS.flatMap(([from = '', target = '', ...printed]) =>
  MASKS.map((features, i) => ({ features, from: named(from), target: named(target), printed: printed[i] ?? '' })),
);
const POSSIBLE = CELLS.filter((cell) => cell.printed !== 'n/a');

function expected({ printed, target }: Cell): readonly DeviceState[] | 'EINVAL' {
  if (printed.startsWith('EINVAL')) return 'EINVAL';
  return printed === 'direct' ? [target] : printed.split('→').map(named);
}

/**
 * The rules once more, written from the text of include/uapi/linux/vfio.h and not from the chart: arcs by features, shortest
 * way, no saving state between ends that are not both saving, never from STOP_COPY back to pre-copy.
 */
function search(features: FeatureMask, from: DeviceState, target: DeviceState): readonly DeviceState[] | 'EINVAL' {
  const p2p = (features & 2) !== 0;
  const pre = (features & 4) !== 0;
  const edges: [DeviceState, DeviceState][] = [
    ['STOP', 'STOP_COPY'],
    ['STOP_COPY', 'STOP'],
    ['STOP', 'RESUMING'],
    ['RESUMING', 'STOP'],
  ];
  const both = (a: DeviceState, b: DeviceState) => edges.push([a, b], [b, a]);
  if (p2p) both('RUNNING', 'RUNNING_P2P') && both('RUNNING_P2P', 'STOP');
  else both('RUNNING', 'STOP');
  if (pre) both('RUNNING', 'PRE_COPY');
  if (pre && !p2p) edges.push(['PRE_COPY', 'STOP_COPY']);
  if (pre && p2p) {
    both('PRE_COPY', 'PRE_COPY_P2P');
    both('RUNNING_P2P', 'PRE_COPY_P2P');
    edges.push(['PRE_COPY_P2P', 'STOP_COPY']);
  }
  const group = ['PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY'];
  if (from === 'STOP_COPY' && (target === 'PRE_COPY' || target === 'PRE_COPY_P2P')) return 'EINVAL';
  const mayPass = (state: DeviceState) => !group.includes(state) || (group.includes(from) && group.includes(target));
  let ways: DeviceState[][] = [[]];
  for (let length = 1; length <= DEVICE_STATES.length; length++) {
    ways = ways.flatMap((way) =>
      edges
        .filter(([a, b]) => a === (way.at(-1) ?? from) && !way.includes(b) && (b === target || mayPass(b)))
        .map(([, b]) => [...way, b]),
    );
    const found = ways.filter((way) => way.at(-1) === target);
    if (found.length > 1) throw new Error(`two shortest ways from ${from} to ${target} with features ${features}`);
    if (found[0]) return found[0];
  }
  return 'EINVAL';
}

/** A device at `from` whose image, if it is loading one, is complete. */
function deviceAt({ features, from }: Cell) {
  const [found] = initialTransition(vfioDevice, { features, initial: from, onBadImage: 'stay' });
  if (from !== 'RESUMING') return found;
  return transition(vfioDevice, found, { type: 'IMAGE_WRITTEN', bytes: 1, complete: true })[0];
}

function walkWhole(cell: Cell): readonly DeviceState[] | 'EINVAL' {
  const set: DeviceEvent = { type: 'SET', target: cell.target, walk: 'whole' };
  const entered: DeviceState[] = [cell.from];
  let failed = false;
  for (const [snapshot, actions] of getMicrosteps(vfioDevice, deviceAt(cell), set)) {
    if (snapshot.value !== entered.at(-1)) entered.push(snapshot.value);
    failed ||= JSON.stringify(actions).includes('"SET_FAILED"');
  }
  return failed ? 'EINVAL' : entered.slice(1);
}

function walkStepwise(cell: Cell): readonly DeviceState[] | 'EINVAL' {
  const entered: DeviceState[] = [];
  let [snapshot, actions] = transition(vfioDevice, deviceAt(cell), {
    type: 'SET',
    target: cell.target,
    walk: 'stepwise',
  });
  if (JSON.stringify(actions).includes('"SET_FAILED"')) return 'EINVAL';
  while (snapshot.context.walk !== null) {
    expect(entered.length, 'more arcs than there are states').toBeLessThan(DEVICE_STATES.length);
    [snapshot, actions] = transition(vfioDevice, snapshot, { type: 'ARC' });
    entered.push(snapshot.value);
  }
  expect(JSON.stringify(actions)).toContain('"SET_DONE"');
  return entered;
}

describe('full paths', () => {
  test('42 pairs, four masks, 126 cells that a device can be in', () => {
    expect(PATHS).toHaveLength(42);
    expect(CELLS).toHaveLength(168);
    expect(POSSIBLE).toHaveLength(126);
    expect(new Set(CELLS.map(({ from, target }) => `${from} ${target}`)).size).toBe(42);
  });

  test.each(POSSIBLE)('$features: $from to $target is $printed', (cell) => {
    const way = expected(cell);
    expect(search(cell.features, cell.from, cell.target), 'the search from the rules').toEqual(way);
    expect(path(cell.features, cell.from, cell.target), 'path()').toEqual(way);
    expect(walkWhole(cell), 'the chart, whole').toEqual(way);
    expect(walkStepwise(cell), 'the chart, stepwise').toEqual(way);
  });

  test.each(CELLS.filter((cell) => cell.printed === 'n/a'))('$features: no device is in $from', (cell) => {
    expect(path(cell.features, cell.from, cell.target)).toBe('EINVAL');
    const [found] = initialTransition(vfioDevice, { features: cell.features, initial: cell.from, onBadImage: 'stay' });
    expect(found.status).toBe('error');
  });

  test.each(MASKS)('%i: nothing leads to ERROR or out of it', (features) => {
    for (const state of DEVICE_STATES) {
      expect(path(features, state, 'ERROR')).toBe('EINVAL');
      expect(path(features, 'ERROR', state)).toBe('EINVAL');
    }
  });

  test('the chart draws these arcs, the one that a bad image can break a device on, and no others', () => {
    // `machine.definition` leaves out eventless transitions: the state nodes have them.
    const drawn = Object.entries(vfioDevice.states).flatMap(([from, node]) =>
      (node.always ?? []).flatMap(({ target }) => (target ?? []).map((to) => `${from} ${to.key}`)),
    );
    const arcs = ARCS.map(({ from, to }) => `${from} ${to}`);
    expect(drawn.toSorted()).toEqual([...arcs, 'RESUMING ERROR'].toSorted());
  });
});

/** The printed next-state tables; features 7 is `vfio_from_fsm_table` of drivers/vfio/vfio_main.c, the others after skipping. */
const NEXT: Readonly<Record<FeatureMask, string>> = {
  7: `
cur    | ERR | STOP  | RUN   | SCOPY  | RESM  | R_P2P | PC    | PC_P2P
ERR    | ERR | ERR   | ERR   | ERR    | ERR   | ERR   | ERR   | ERR
STOP   | ERR | STOP  | R_P2P | SCOPY  | RESM  | R_P2P | R_P2P | R_P2P
RUN    | ERR | R_P2P | RUN   | R_P2P  | R_P2P | R_P2P | PC    | R_P2P
SCOPY  | ERR | STOP  | STOP  | SCOPY  | STOP  | STOP  | ERR   | ERR
RESM   | ERR | STOP  | STOP  | STOP   | RESM  | STOP  | STOP  | STOP
R_P2P  | ERR | STOP  | RUN   | STOP   | STOP  | R_P2P | RUN   | PC_P2P
PC     | ERR | RUN   | RUN   | PC_P2P | RUN   | RUN   | PC    | PC_P2P
PC_P2P | ERR | R_P2P | R_P2P | SCOPY  | R_P2P | R_P2P | PC    | PC_P2P`,
  5: `
cur   | STOP | RUN  | SCOPY | RESM | PC
STOP  | STOP | RUN  | SCOPY | RESM | RUN
RUN   | STOP | RUN  | STOP  | STOP | PC
SCOPY | STOP | STOP | SCOPY | STOP | ERR
RESM  | STOP | STOP | STOP  | RESM | STOP
PC    | RUN  | RUN  | SCOPY | RUN  | PC`,
  3: `
cur   | STOP  | RUN   | SCOPY | RESM  | R_P2P
STOP  | STOP  | R_P2P | SCOPY | RESM  | R_P2P
RUN   | R_P2P | RUN   | R_P2P | R_P2P | R_P2P
SCOPY | STOP  | STOP  | SCOPY | STOP  | STOP
RESM  | STOP  | STOP  | STOP  | RESM  | STOP
R_P2P | STOP  | RUN   | STOP  | STOP  | R_P2P`,
  1: `
cur   | STOP | RUN  | SCOPY | RESM
STOP  | STOP | RUN  | SCOPY | RESM
RUN   | STOP | RUN  | STOP  | STOP
SCOPY | STOP | STOP | SCOPY | STOP
RESM  | STOP | STOP | STOP  | RESM`,
};

test.each(MASKS)('next states with features %i', (features) => {
  const [[, ...targets] = [], ...lines] = rows(NEXT[features]);
  for (const [from = '', ...cells] of lines) {
    const next = targets.map((target) => nextArc(features, named(from), named(target)));
    expect(next, from).toEqual(cells.map((cell) => (cell === 'ERR' ? 'EINVAL' : named(cell))));
  }
  const listed = lines.map(([from = '']) => named(from));
  for (const state of DEVICE_STATES.filter((name) => !listed.includes(name)))
    expect(nextArc(features, 'RUNNING', state), state).toBe('EINVAL');
});
