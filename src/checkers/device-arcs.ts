/**
 * Which way a VFIO device goes from one migration state to another: the checkers' own copy of the kernel's rule.
 *
 * The arcs that drivers implement and the rule that picks a path are those of include/uapi/linux/vfio.h (the comment of
 * `enum vfio_device_mig_state`): the shortest way through the supported arcs, and a state of the saving group (PRE_COPY,
 * PRE_COPY_P2P, STOP_COPY) is passed only between two ends that are in the group themselves. drivers/vfio/vfio_main.c
 * (vfio_mig_get_next_state) is the same as a table. It shares nothing with the chart of the device.
 */
import type { DeviceState, FeatureMask } from '../../machines/words.ts';

/** `VFIO_MIGRATION_P2P` and `VFIO_MIGRATION_PRE_COPY`, include/uapi/linux/vfio.h. */
const P2P = 2;
const PRE_COPY = 4;

interface Arc {
  readonly from: DeviceState;
  readonly to: DeviceState;
  /** Feature bits that it needs, and those without which alone it exists. */
  readonly needs: number;
  readonly lacks: number;
}

const arc = (from: DeviceState, to: DeviceState, needs = 0, lacks = 0): Arc => ({ from, to, needs, lacks });

const ARCS: readonly Arc[] = [
  arc('STOP', 'STOP_COPY'),
  arc('STOP_COPY', 'STOP'),
  arc('STOP', 'RESUMING'),
  arc('RESUMING', 'STOP'),
  arc('RUNNING', 'STOP', 0, P2P),
  arc('STOP', 'RUNNING', 0, P2P),
  arc('RUNNING', 'RUNNING_P2P', P2P),
  arc('RUNNING_P2P', 'RUNNING', P2P),
  arc('RUNNING_P2P', 'STOP', P2P),
  arc('STOP', 'RUNNING_P2P', P2P),
  arc('RUNNING', 'PRE_COPY', PRE_COPY),
  arc('PRE_COPY', 'RUNNING', PRE_COPY),
  arc('PRE_COPY', 'STOP_COPY', PRE_COPY, P2P),
  arc('PRE_COPY', 'PRE_COPY_P2P', PRE_COPY | P2P),
  arc('PRE_COPY_P2P', 'PRE_COPY', PRE_COPY | P2P),
  arc('RUNNING_P2P', 'PRE_COPY_P2P', PRE_COPY | P2P),
  arc('PRE_COPY_P2P', 'RUNNING_P2P', PRE_COPY | P2P),
  arc('PRE_COPY_P2P', 'STOP_COPY', PRE_COPY | P2P),
];

const saves = (state: DeviceState) => state === 'PRE_COPY' || state === 'PRE_COPY_P2P' || state === 'STOP_COPY';
const offersEarly = (state: DeviceState) => state === 'PRE_COPY' || state === 'PRE_COPY_P2P';

/**
 * Every state entered on the way, the target last; empty when the device is there already. Undefined when there is no
 * way: out of or into ERROR, to a state that the device's features do not have, and back from STOP_COPY into pre-copy,
 * which is blocked although the arcs would allow a detour.
 */
export function pathBetween(
  from: DeviceState,
  to: DeviceState,
  features: FeatureMask,
): readonly DeviceState[] | undefined {
  if (to === 'ERROR' || !has(features, to)) return undefined;
  if (from === to) return [];
  if (from === 'STOP_COPY' && offersEarly(to)) return undefined;
  const groupMayBePassed = saves(from) && saves(to);
  const reached = new Set<DeviceState>([from]);
  let paths: readonly (readonly DeviceState[])[] = [[]];
  while (paths.length > 0) {
    const longer: (readonly DeviceState[])[] = [];
    for (const path of paths) {
      for (const next of nextStates(path.at(-1) ?? from, features)) {
        if (next === to) return [...path, next];
        if (reached.has(next) || (saves(next) && !groupMayBePassed)) continue;
        reached.add(next);
        longer.push([...path, next]);
      }
    }
    paths = longer;
  }
  return undefined;
}

function nextStates(from: DeviceState, features: FeatureMask): readonly DeviceState[] {
  return ARCS.filter(
    (one) => one.from === from && (features & one.needs) === one.needs && (features & one.lacks) === 0,
  ).map((one) => one.to);
}

function has(features: FeatureMask, state: DeviceState): boolean {
  const needs = { RUNNING_P2P: P2P, PRE_COPY, PRE_COPY_P2P: P2P | PRE_COPY }[state as string] ?? 0;
  return (features & needs) === needs;
}
