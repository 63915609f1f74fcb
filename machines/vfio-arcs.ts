/**
 * The arcs that a VFIO migration driver implements, and the rule that picks among them: include/uapi/linux/vfio.h and
 * drivers/vfio/vfio_main.c. Every path follows from these two; no path and no next-state table is written down.
 */
import {
  DEVICE_STATES,
  type DeviceState,
  type FeatureMask,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY,
} from './words.ts';

/** What an arc does to the data stream (the `data_fd`). `continues`: the session and its fd go on, no new fd. */
export type StreamEffect = 'none' | 'opensSaving' | 'endsSaving' | 'continues' | 'opensResuming' | 'endsResuming';

/** One arc that a driver implements, for devices that have all features in `needs` and none in `without`. */
export interface Arc {
  readonly from: DeviceState;
  readonly to: DeviceState;
  /** `VFIO_MIGRATION_*` bits. */
  readonly needs: number;
  readonly without: number;
  readonly stream: StreamEffect;
}

const P2P = VFIO_MIGRATION_P2P;
const PRE = VFIO_MIGRATION_PRE_COPY;
function arc(from: DeviceState, to: DeviceState, stream: StreamEffect, needs = 0, without = 0): Arc {
  return { from, to, needs: needs | VFIO_MIGRATION_STOP_COPY, without, stream };
}

/** The arcs: the comment above `enum vfio_device_mig_state` in include/uapi/linux/vfio.h. */
export const ARCS: readonly Arc[] = [
  arc('STOP', 'STOP_COPY', 'opensSaving'),
  arc('STOP_COPY', 'STOP', 'endsSaving'),
  arc('STOP', 'RESUMING', 'opensResuming'),
  arc('RESUMING', 'STOP', 'endsResuming'),
  arc('RUNNING', 'STOP', 'none', 0, P2P),
  arc('STOP', 'RUNNING', 'none', 0, P2P),
  arc('RUNNING', 'RUNNING_P2P', 'none', P2P),
  arc('RUNNING_P2P', 'RUNNING', 'none', P2P),
  arc('RUNNING_P2P', 'STOP', 'none', P2P),
  arc('STOP', 'RUNNING_P2P', 'none', P2P),
  arc('RUNNING', 'PRE_COPY', 'opensSaving', PRE),
  arc('PRE_COPY', 'RUNNING', 'endsSaving', PRE),
  arc('PRE_COPY', 'STOP_COPY', 'continues', PRE, P2P),
  arc('PRE_COPY', 'PRE_COPY_P2P', 'continues', PRE | P2P),
  arc('PRE_COPY_P2P', 'PRE_COPY', 'continues', PRE | P2P),
  arc('RUNNING_P2P', 'PRE_COPY_P2P', 'opensSaving', PRE | P2P),
  arc('PRE_COPY_P2P', 'RUNNING_P2P', 'endsSaving', PRE | P2P),
  arc('PRE_COPY_P2P', 'STOP_COPY', 'continues', PRE | P2P),
];

/** `state_flags_table` of drivers/vfio/vfio_main.c: the features a state needs. ERROR is supported by nobody: it is never asked for. */
const STATE_NEEDS: Readonly<Record<DeviceState, number>> = {
  ERROR: ~0,
  STOP: VFIO_MIGRATION_STOP_COPY,
  RUNNING: VFIO_MIGRATION_STOP_COPY,
  STOP_COPY: VFIO_MIGRATION_STOP_COPY,
  RESUMING: VFIO_MIGRATION_STOP_COPY,
  RUNNING_P2P: VFIO_MIGRATION_STOP_COPY | P2P,
  PRE_COPY: VFIO_MIGRATION_STOP_COPY | PRE,
  PRE_COPY_P2P: VFIO_MIGRATION_STOP_COPY | P2P | PRE,
};

const isSaving = (state: DeviceState): boolean =>
  state === 'PRE_COPY' || state === 'PRE_COPY_P2P' || state === 'STOP_COPY';

/**
 * The rule, from the comment in include/uapi/linux/vfio.h: the shortest path over supported arcs, where states of the saving
 * group are interior exactly if both ends are in the group. So a session is never opened or ended on the way to something
 * else, and STOP_COPY to PRE_COPY, which no arc inside the group leads back to, is blocked.
 */
function shortestPath(
  features: FeatureMask,
  from: DeviceState,
  target: DeviceState,
): readonly DeviceState[] | 'EINVAL' {
  const has = (needs: number, without = 0) => (features & needs) === needs && (features & without) === 0;
  if (!has(STATE_NEEDS[from]) || !has(STATE_NEEDS[target])) return 'EINVAL';
  const staysInGroup = isSaving(from) && isSaving(target);
  const reached = new Map<DeviceState, readonly DeviceState[]>([[from, []]]);
  // A Map iterates in the order of insertion and over what is inserted meanwhile: this is the queue.
  for (const [state, walked] of reached) {
    if (state === target) return walked;
    for (const { from: start, to, needs, without } of ARCS) {
      if (start !== state || reached.has(to) || !has(needs, without)) continue;
      if (to === target || isSaving(to) === staysInGroup) reached.set(to, [...walked, to]);
    }
  }
  return 'EINVAL';
}

type Paths = ReadonlyMap<string, readonly DeviceState[] | 'EINVAL'>;
const pathsOf = (features: FeatureMask): Paths =>
  new Map(DEVICE_STATES.flatMap((a) => DEVICE_STATES.map((b) => [`${a} ${b}`, shortestPath(features, a, b)] as const)));
const PATHS: Readonly<Record<FeatureMask, Paths>> = { 1: pathsOf(1), 3: pathsOf(3), 5: pathsOf(5), 7: pathsOf(7) };

/** Every state entered after `from` on the way to `target`, in order; empty when it is there; EINVAL when there is no way. */
export function path(features: FeatureMask, from: DeviceState, target: DeviceState): readonly DeviceState[] | 'EINVAL' {
  // A target from outside may be no state at all (the kernel: 8 or more): EINVAL too.
  return PATHS[features].get(`${from} ${target}`) ?? 'EINVAL';
}

/** The next state on the way from `from` to `target`, `from` itself when it is there: `vfio_mig_get_next_state`. */
export function nextArc(features: FeatureMask, from: DeviceState, target: DeviceState): DeviceState | 'EINVAL' {
  const way = path(features, from, target);
  return way === 'EINVAL' ? 'EINVAL' : (way[0] ?? from);
}
