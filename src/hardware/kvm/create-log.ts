/** Makes the kind of KVM dirty log that a spec names, and the book of what it costs the guest. */
import { KvmLog } from '../kvm-log.ts';
import type { GuestMemory } from '../memory.ts';
import { type StallCause, Stalls } from '../stalls.ts';
import type { KvmDirtyLog, KvmSpec } from './dirty-log.ts';
import { HugeMappings } from './huge-mappings.ts';
import { ManualLog } from './manual-log.ts';
import { checkMappings, type MappingSpec } from './mapping-spec.ts';
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

/**
 * Throws a RangeError for a cost that is none or a ring that KVM refuses. `besides`: what else the vCPUs stand for, in the
 * same book.
 */
export function createKvmLog(
  memory: GuestMemory,
  spec: KvmSpec = DEFAULT_KVM,
  besides: readonly StallCause[] = [],
): { log: KvmDirtyLog; stalls: Stalls } {
  const { faultNs, exitNs, harvestNs, scanPageNs = 0, protectPageNs = 0 } = spec;
  for (const [name, ns] of Object.entries({ faultNs, exitNs, harvestNs, scanPageNs, protectPageNs })) {
    if (!(Number.isFinite(ns) && ns >= 0)) throw new RangeError(`${name} is 0 or more, not ${ns}`);
  }
  const stalls = new Stalls([...chargedCauses(spec), ...besides]);
  if (spec.mappings !== undefined) checkMappings(spec.mappings);
  const isHuge = spec.mappings !== undefined && spec.mappings.leafPages > 1;
  const mappings = isHuge ? new HugeMappings(memory, spec.mappings, stalls) : undefined;
  return { log: logOf(memory, spec, stalls, mappings), stalls };
}

function logOf(memory: GuestMemory, spec: KvmSpec, stalls: Stalls, mappings?: HugeMappings): KvmDirtyLog {
  switch (spec.log) {
    case 'bitmap':
      return bitmapLog(memory, spec, stalls, mappings);
    case 'bitmap-manual':
      return new ManualLog(memory, spec, stalls, mappings);
    case 'pml':
      return new PmlLog(memory, spec, stalls, mappings);
    case 'ring':
    case 'range-ring':
      return new RingLog(memory, spec, stalls, mappings);
    default:
      return spec.log satisfies never;
  }
}

function bitmapLog(memory: GuestMemory, spec: KvmSpec, stalls: Stalls, mappings?: HugeMappings): KvmLog {
  const { faultNs, scanPageNs = 0, protectPageNs = 0 } = spec;
  return new KvmLog(memory.emptySet(), {
    faultNs,
    stalls,
    scanNs: memory.ramPages * scanPageNs,
    protectPageNs,
    mappings,
  });
}

/** What such a log makes a vCPU stand for, where it costs anything. */
function chargedCauses({
  log,
  faultNs,
  exitNs,
  harvestNs,
  ring,
  mappings,
  pmlFallback,
}: KvmSpec): readonly StallCause[] {
  const isRing = log === 'ring' || log === 'range-ring';
  const usesPml = log === 'pml' || (isRing && ring.pml);
  return [
    ...((!usesPml || (pmlFallback?.length ?? 0) > 0) && faultNs > 0 ? (['dirtyFaults'] as const) : []),
    ...(usesPml && exitNs > 0 ? (['pmlExits'] as const) : []),
    ...(isRing && exitNs + harvestNs > 0 ? (['ringFull'] as const) : []),
    ...(mappings !== undefined && stallsVcpus(mappings, usesPml ? faultNs : 0) ? (['splits'] as const) : []),
  ];
}

/** `alsoNs`: what a fault that splits costs besides, where the log has no faults of its own. */
function stallsVcpus({ leafPages, split, splitFaultNs, collapseFaultNs }: MappingSpec, alsoNs: number): boolean {
  if (leafPages === 1 || split === 'none') return false;
  return collapseFaultNs > 0 || (split === 'lazy' && splitFaultNs + alsoNs > 0);
}
