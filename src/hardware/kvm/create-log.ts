/** Makes the kind of KVM dirty log that a spec names, and the book of what it costs the guest. */
import { KvmLog } from '../kvm-log.ts';
import type { GuestMemory } from '../memory.ts';
import { type StallCause, Stalls } from '../stalls.ts';
import type { KvmDirtyLog, KvmSpec } from './dirty-log.ts';
import { ManualLog } from './manual-log.ts';
import { PmlLog } from './pml-log.ts';
import { RingLog } from './ring-log.ts';

/** The log of a world that says nothing about it: KVM's default, at no cost. */
export const DEFAULT_KVM: KvmSpec = {
  log: 'bitmap',
  faultNs: 0,
  exitNs: 0,
  harvestNs: 0,
  initiallySet: true,
  clearPages: 2 ** 18,
  ring: { entries: 4096, pml: true, reapEveryNs: 1e9, backupBitmap: false, heldBack: 8 },
};

/** Throws a RangeError for a cost that is none or a ring that KVM refuses. */
export function createKvmLog(memory: GuestMemory, spec: KvmSpec = DEFAULT_KVM): { log: KvmDirtyLog; stalls: Stalls } {
  const { faultNs, exitNs, harvestNs } = spec;
  for (const [name, ns] of Object.entries({ faultNs, exitNs, harvestNs })) {
    if (!(Number.isFinite(ns) && ns >= 0)) throw new RangeError(`${name} is 0 or more, not ${ns}`);
  }
  const stalls = new Stalls(chargedCauses(spec));
  return { log: logOf(memory, spec, stalls), stalls };
}

function logOf(memory: GuestMemory, spec: KvmSpec, stalls: Stalls): KvmDirtyLog {
  switch (spec.log) {
    case 'bitmap':
      return new KvmLog(memory.pages, { faultNs: spec.faultNs, stalls });
    case 'bitmap-manual':
      return new ManualLog(memory, spec, stalls);
    case 'pml':
      return new PmlLog(memory.pages, spec, stalls);
    case 'ring':
    case 'range-ring':
      return new RingLog(memory, spec, stalls);
    default:
      return spec.log satisfies never;
  }
}

/** What such a log makes a vCPU stand for, where it costs anything. */
function chargedCauses({ log, faultNs, exitNs, harvestNs, ring }: KvmSpec): readonly StallCause[] {
  const isRing = log === 'ring' || log === 'range-ring';
  const usesPml = log === 'pml' || (isRing && ring.pml);
  return [
    ...(!usesPml && faultNs > 0 ? (['dirtyFaults'] as const) : []),
    ...(usesPml && exitNs > 0 ? (['pmlExits'] as const) : []),
    ...(isRing && exitNs + harvestNs > 0 ? (['ringFull'] as const) : []),
  ];
}
