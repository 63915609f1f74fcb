/** In which order VMs leave. Equals stay as they were listed. */

import { VirtualClock } from '../../clock/virtual-clock.ts';
import { createModelDriver } from '../../drivers/model/model-driver.ts';
import { PageBitmap } from '../../hardware/page-bitmap.ts';
import { modelSpecOf } from '../model/spec.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { DrainVm, Order } from './plan.ts';

/** As long as QEMU's calc-dirty-rate looks by default when libvirt asks: virDomainStartDirtyRateCalc's one second. */
const LOOK_NS = 1_000_000_000;

export function ordered(vms: readonly DrainVm[], order: Order): readonly DrainVm[] {
  switch (order) {
    case 'as-listed':
      return vms;
    case 'smallest-first':
      return sortedBy(vms, ({ scenario }) => scenario.vm.nonZeroBytes);
    case 'largest-first':
      return sortedBy(vms, ({ scenario }) => -scenario.vm.nonZeroBytes);
    case 'least-dirty-first':
      return sortedBy(
        vms,
        remembered(({ scenario }) => dirtiedPages(scenario) * scenario.vm.pageSizeBytes),
      );
    default:
      return order satisfies never;
  }
}

function sortedBy(vms: readonly DrainVm[], key: (vm: DrainVm) => number): readonly DrainVm[] {
  return vms
    .map((vm) => ({ vm, at: key(vm) }))
    .sort((a, b) => a.at - b.at)
    .map(({ vm }) => vm);
}

/** VMs of one scenario are alike. */
function remembered(look: (vm: DrainVm) => number): (vm: DrainVm) => number {
  const known = new Map<Scenario, number>();
  return (vm) => {
    const figure = known.get(vm.scenario) ?? look(vm);
    known.set(vm.scenario, figure);
    return figure;
  };
}

/** Distinct pages that the VM, its devices included, writes in a second. */
export function dirtiedPages(scenario: Scenario): number {
  const { world, close } = createModelDriver(modelSpecOf(scenario), new VirtualClock());
  const written = new PageBitmap(world.memory.pages);
  const watching = world.pages$.subscribe((batch) => {
    written.applyWrites(batch);
  });
  world.advanceTo(LOOK_NS);
  world.tellOwed();
  watching.unsubscribe();
  close();
  return written.count;
}
