/** What a scenario says about huge mappings and the vmm's costs of a bitmap, as KVM's model takes it. */
import type { KvmSpec } from '../../hardware/kvm/dirty-log.ts';
import { DEFAULT_MAPPINGS, type MappingSpec } from '../../hardware/kvm/mapping-spec.ts';
import { slotsOf } from '../scenario/holes.ts';
import type { Kvm } from '../scenario/kvm.ts';
import type { Vm } from '../scenario/vm.ts';
import { aroundHoles } from './holes.ts';

type Extra = Pick<KvmSpec, 'mappings' | 'scanPageNs' | 'protectPageNs' | 'pmlFallback'>;

/** Only what the scenario names. */
export function kvmMappingsOf(vm: Vm, kvm: Kvm): Extra {
  const { scanPageNs, protectPageNs, pmlFallbackBytes } = kvm;
  return {
    ...(scanPageNs === undefined ? {} : { scanPageNs }),
    ...(protectPageNs === undefined ? {} : { protectPageNs }),
    ...(pmlFallbackBytes === undefined ? {} : { pmlFallback: firstPages(vm, pmlFallbackBytes) }),
    ...(vm.backingBytes === undefined ? {} : { mappings: mappingsOf(vm.backingBytes / vm.pageSizeBytes, kvm) }),
  };
}

function mappingsOf(leafPages: number, kvm: Kvm): MappingSpec {
  return {
    leafPages,
    split: kvm.split ?? DEFAULT_MAPPINGS.split,
    splitPageNs: kvm.splitPageNs ?? DEFAULT_MAPPINGS.splitPageNs,
    splitFaultNs: kvm.splitFaultNs ?? DEFAULT_MAPPINGS.splitFaultNs,
    collapseFaultNs: kvm.collapseFaultNs ?? DEFAULT_MAPPINGS.collapseFaultNs,
  };
}

/** The first so many bytes of memory, around its holes. */
function firstPages(vm: Vm, bytes: number) {
  return bytes === 0 ? [] : aroundHoles([{ firstPage: 0, pages: bytes / vm.pageSizeBytes }], slotsOf(vm));
}
