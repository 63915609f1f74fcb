/** The generator's laws: the same case for the same seed, valid but for a few draws, and nothing that is never drawn. */
import { describe, expect, test } from 'vitest';
import { LOOPS, managers, PUBLISHED_RULES } from '../../../machines/index.ts';
import { COMMANDS, TRACKER_CHOICES } from '../../../machines/words.ts';
import { DOUBTS, FAULT_KINDS, kindOfFault, ORDERS } from '../../../src/lab/check/case.ts';
import { drawCase } from '../../../src/lab/check/draw/case.ts';
import { DEVICE_KINDS } from '../../../src/lab/check/draw/devices.ts';
import { OWN_POLICIES } from '../../../src/lab/check/draw/own-policies.ts';
import { MANAGERS, THROTTLES } from '../../../src/lab/check/draw/rules.ts';
import { devicesIn } from '../../../src/lab/check/draw/scenario.ts';
import { WORKLOAD_KINDS } from '../../../src/lab/check/draw/workloads.ts';
import { DIRTY_LOGS, PAGE_SIZES_BYTES } from '../../../src/lab/scenario/scenario.ts';

const drawn = Array.from({ length: 1500 }, (_, nth) => drawCase(1 + nth));
const inputs = drawn.map(({ one }) => one.input);
const containers = inputs.flatMap((input) => input.containers ?? []);
const faults = inputs.flatMap((input) => input.faults ?? []);

test('the same seed draws the same case', () => {
  for (const { one } of drawn.slice(0, 50)) expect(drawCase(one.seed).one).toEqual(one);
});

test('a case is plain JSON', () => {
  for (const { one } of drawn.slice(0, 50)) expect(JSON.parse(JSON.stringify(one))).toEqual(one);
});

test('draws are valid by construction: fewer than 3 in 100 are drawn again', () => {
  const redraws = drawn.reduce((sum, one) => sum + one.redraws, 0);
  expect(redraws).toBeLessThan(45);
});

test('memory is at most 64 MiB', () => {
  for (const { scenario } of drawn) expect(scenario.vm.memoryBytes).toBeLessThanOrEqual(2 ** 26);
});

const distinct = (values: readonly unknown[]) => [...new Set(values)].sort();
const sorted = (values: readonly unknown[]) => [...values].sort();

describe('every kind is drawn', () => {
  test.each<readonly [string, readonly unknown[], readonly unknown[]]>([
    ['devices', devicesIn({ containers }).map(({ kind }) => kind), DEVICE_KINDS],
    ['workloads', inputs.flatMap(({ vm }) => (vm.workloads ?? []).map(({ kind }) => kind)), WORKLOAD_KINDS],
    ['dirty logs', inputs.map(({ vm }) => vm.dirtyLog), DIRTY_LOGS],
    ['page sizes', drawn.map(({ scenario }) => scenario.vm.pageSizeBytes), PAGE_SIZES_BYTES],
    ['containers', containers.map(({ iommu }) => iommu.kind), ['iommufd', 'type1', 'none']],
    ['tracker choices', containers.flatMap(({ trackerChoice }) => trackerChoice ?? []), TRACKER_CHOICES],
    ['faults', faults.map(kindOfFault), FAULT_KINDS],
    ['orders', drawn.flatMap(({ one }) => (one.orders ?? []).map(({ order }) => order)), ORDERS],
    ['loops', drawn.map(({ scenario }) => scenario.vmm.loop), LOOPS],
    [
      'rules',
      drawn.map(({ scenario }) => scenario.vmm.policy.name),
      ['qemu', 'no-progress', 'predictor', ...PUBLISHED_RULES],
    ],
    ['functions', drawn.flatMap(({ one }) => one.own ?? []), Object.keys(OWN_POLICIES)],
    ['managers', inputs.flatMap(({ manager }) => manager?.policy ?? []), MANAGERS],
    ['throttles', inputs.flatMap(({ vmm = {} }) => THROTTLES.filter((name) => name in vmm)), THROTTLES],
    ['doubts', drawn.flatMap(({ one }) => one.doubts ?? []), DOUBTS],
    ['crashes', drawn.flatMap(({ one }) => one.crash?.effects ?? []), ['sent', 'unsent']],
  ])('%s', (_, found, all) => {
    expect(distinct(found)).toEqual(sorted(all));
  });

  test('commands of faults, all but the question to a function, which no driver answers', () => {
    const named = distinct(faults.flatMap(({ command }) => command ?? []));
    expect(named).toEqual(sorted(Object.keys(COMMANDS).filter((name) => name !== 'decide')));
  });

  test('there is a draw for every manager', () => {
    expect(sorted(MANAGERS)).toEqual(sorted(Object.keys(managers)));
  });

  test('shadows, branches and neighbours', () => {
    expect(inputs.filter(({ shadows }) => shadows !== undefined).length).toBeGreaterThan(50);
    expect(drawn.filter(({ one }) => one.ownShadows !== undefined).length).toBeGreaterThan(20);
    expect(drawn.filter(({ one }) => one.neighbour === true).length).toBeGreaterThan(50);
    const changed = drawn.flatMap(({ one }) => Object.keys(one.branch?.change ?? {}));
    expect(distinct(changed)).toEqual([
      'cancelAt',
      'link.bandwidth',
      'manager.policy',
      'vmm.downtimeLimit',
      'vmm.maxBandwidth',
      'vmm.policy',
    ]);
  });

  test('a vIOMMU, holes, host writers, post-copy, devices that come and go, a pause, an ack', () => {
    const some = (has: (one: (typeof drawn)[number]) => boolean) => drawn.filter(has).length;
    expect(some(({ scenario }) => scenario.containers.some(({ viommu }) => viommu !== undefined))).toBeGreaterThan(5);
    expect(some(({ scenario }) => scenario.vm.holes !== undefined)).toBeGreaterThan(50);
    expect(some(({ scenario }) => scenario.vm.hostWriters !== undefined)).toBeGreaterThan(50);
    expect(some(({ scenario }) => scenario.vmm.postcopy !== undefined)).toBeGreaterThan(50);
    expect(some(({ one }) => JSON.stringify(one).includes('pluggedAt'))).toBeGreaterThan(10);
    expect(some(({ scenario }) => scenario.vmm.pauseBeforeSwitchover)).toBeGreaterThan(50);
    expect(some(({ scenario }) => scenario.vmm.switchoverAck)).toBeGreaterThan(50);
  });
});
