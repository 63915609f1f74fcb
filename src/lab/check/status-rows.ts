/**
 * QEMU's transitions of a source's MigrationStatus, a row each, with the releases that have it: what a check compares the
 * statuses of its runs with. Sources: qapi/migration.json (MigrationStatus), migration/migration.c at 7.2 to 11.1
 * (migrate_set_state and its callers). The checkers' own copy: it shares nothing with the charts.
 */
import { isQemu, LOOPS, type LoopName } from '../../../machines/loops.ts';

export interface StatusRow {
  readonly from: string;
  readonly to: string;
  readonly loops: readonly LoopName[];
  /** Why no run of this version comes here; absent: one should. */
  readonly unreached?: string;
}

const QEMU: readonly LoopName[] = LOOPS.filter(isQemu);
const from = (first: LoopName): readonly LoopName[] => QEMU.slice(QEMU.indexOf(first));
const until = (last: LoopName): readonly LoopName[] => QEMU.slice(0, QEMU.indexOf(last) + 1);

/** From 10.0 on (commit 4881411136). */
const WITH_DEVICE = from('qemu-10.2');
/** From 11.0 on (commit 93c8a97f99). */
const WITH_FAILING = from('qemu-11.1');
const NO_FAILOVER = 'a failover NIC that has to be unplugged first is not modelled';
const NOTHING_RUNS = 'in the pause nothing is under way, so that nothing can fail';
const NO_COLO = 'COLO is not modelled';

export const STATUS_ROWS: readonly StatusRow[] = [
  { from: 'none', to: 'setup', loops: QEMU },
  { from: 'setup', to: 'wait-unplug', loops: QEMU, unreached: NO_FAILOVER },
  { from: 'wait-unplug', to: 'active', loops: QEMU, unreached: NO_FAILOVER },
  { from: 'setup', to: 'active', loops: QEMU },
  { from: 'active', to: 'pre-switchover', loops: QEMU },
  { from: 'active', to: 'device', loops: WITH_DEVICE },
  { from: 'pre-switchover', to: 'device', loops: QEMU },
  { from: 'active', to: 'completed', loops: until('qemu-9.2') },
  { from: 'device', to: 'completed', loops: QEMU },
  { from: 'setup', to: 'cancelling', loops: QEMU },
  { from: 'active', to: 'cancelling', loops: QEMU },
  { from: 'pre-switchover', to: 'cancelling', loops: QEMU },
  { from: 'device', to: 'cancelling', loops: QEMU },
  { from: 'cancelling', to: 'cancelled', loops: QEMU },
  { from: 'setup', to: 'failed', loops: until('qemu-10.2') },
  { from: 'active', to: 'failed', loops: until('qemu-10.2') },
  { from: 'device', to: 'failed', loops: until('qemu-10.2') },
  { from: 'pre-switchover', to: 'failed', loops: until('qemu-10.2'), unreached: NOTHING_RUNS },
  { from: 'setup', to: 'failing', loops: WITH_FAILING },
  { from: 'active', to: 'failing', loops: WITH_FAILING },
  { from: 'device', to: 'failing', loops: WITH_FAILING },
  { from: 'pre-switchover', to: 'failing', loops: WITH_FAILING, unreached: NOTHING_RUNS },
  { from: 'failing', to: 'failed', loops: WITH_FAILING },
  { from: 'active', to: 'postcopy-active', loops: until('qemu-9.2') },
  { from: 'device', to: 'postcopy-device', loops: WITH_DEVICE },
  { from: 'postcopy-device', to: 'postcopy-active', loops: WITH_DEVICE },
  { from: 'postcopy-active', to: 'completed', loops: QEMU },
  { from: 'postcopy-active', to: 'postcopy-paused', loops: QEMU },
  { from: 'postcopy-paused', to: 'postcopy-recover', loops: until('qemu-8.2') },
  { from: 'postcopy-paused', to: 'postcopy-recover-setup', loops: from('qemu-9.2') },
  { from: 'postcopy-recover-setup', to: 'postcopy-recover', loops: from('qemu-9.2') },
  { from: 'postcopy-recover', to: 'postcopy-active', loops: QEMU },
  { from: 'postcopy-recover', to: 'postcopy-paused', loops: QEMU },
  { from: 'postcopy-device', to: 'failing', loops: WITH_FAILING },
  { from: 'active', to: 'colo', loops: QEMU, unreached: NO_COLO },
  { from: 'colo', to: 'completed', loops: QEMU, unreached: NO_COLO },
];
