/** The guest: memory and its holes, vCPUs, KVM's dirty log with its options, and who writes. */
import { DIRTY_LOGS } from '../../scenario/scenario.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Chance } from './chance.ts';
import { PARTS, type Room, sizeOf } from './room.ts';
import { drawHostWriter, drawWorkload, type WorkloadInput } from './workloads.ts';

type VmInput = ScenarioInput['vm'];

export function drawVm(chance: Chance, room: Room): VmInput {
  const { pageKiB, pages, vcpus } = room;
  const dirtyLog = room.throttle === 'dirtyLimit' ? chance.pick(['ring', 'range-ring']) : chance.pick(DIRTY_LOGS);
  const priced = chance.percent(50);
  return {
    memory: `${pages * pageKiB}KiB`,
    pageSize: `${pageKiB}KiB`,
    nonZero: sizeOf(room, chance.pick([PARTS, PARTS, chance.between(0, PARTS)])),
    vcpus,
    dirtyLog,
    ...(priced ? { kvm: drawKvm(chance, room) } : {}),
    ...(priced && pageKiB === 4 ? chance.perhaps(30, () => ({ backing: chance.pick(['4KiB', '2MiB']) })) : {}),
    ...chance.perhaps(20, () => ({ holes: [drawHole(chance, room)] })),
    workloads: [...Array.from({ length: chance.between(0, 2) }, () => drawWorkload(chance, room)), ...themed(room)],
    ...chance.perhaps(20, () => ({ hostWriters: [drawHostWriter(chance, room)] })),
  } as VmInput;
}

/** What a theme needs somebody to write. */
function themed(room: Room): readonly WorkloadInput[] {
  const random = (rate: '40k/s' | '2k/s') => [{ kind: 'random', set: sizeOf(room, PARTS / 2), rate } as WorkloadInput];
  // More than is sent, so that it does not converge by itself.
  if (room.theme === 'post-copy' || room.theme === 'managed') return random('40k/s');
  // A page that was lost is seldom written again.
  return room.theme === 'crash' ? random('2k/s') : [];
}

function drawKvm(chance: Chance, { pageKiB, partKiB }: Room): NonNullable<VmInput['kvm']> {
  return {
    fault: chance.pick(['0us', '2us', '10us']),
    exit: chance.pick(['0us', '2us']),
    harvest: chance.pick(['0ns', '100ns']),
    initiallySet: chance.percent(60),
    // CLEAR takes multiples of 64 pages.
    clearChunk: `${64 * pageKiB * chance.pick([1, 4, 64])}KiB`,
    // A ring takes whole pages, and more than 576 entries are reserved with PML (virt/kvm/dirty_ring.c).
    ringEntries: Math.max(1024, (pageKiB * 1024) / 16),
    ringPml: chance.percent(50),
    reapEvery: chance.pick(['20ms', '300ms', '1s']),
    backupBitmap: chance.percent(30),
    heldBack: chance.pick([0, 8, 64]),
    ...chance.perhaps(30, () => ({ scanPage: '10ns' as const, protectPage: '50ns' as const })),
    ...chance.perhaps(20, () => ({ pmlFallback: `${partKiB}KiB` as const })),
  };
}

function drawHole(chance: Chance, room: Room) {
  return { at: sizeOf(room, chance.between(1, PARTS - 1)), size: sizeOf(room, chance.between(1, 8)) };
}
