/** Huge mappings of guest memory from the scenario's word to the report: who stands still for a split, and for how long. */
import { describe, expect, test } from 'vitest';
import { rehearse } from '../../src/lab/rehearse.ts';
import { reportText } from '../../src/lab/report/text.ts';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { toInput } from '../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

type VmInput = ScenarioInput['vm'];

const scenario = (vm: Partial<VmInput>) =>
  scenarioFrom({
    name: 'backing',
    vm: {
      memory: '128MiB',
      vcpus: 4,
      workloads: [{ kind: 'random', set: '64MiB', rate: '8k/s', vcpus: '0-1' }],
      ...vm,
    },
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '50ms', maxBandwidth: 'unlimited' },
    checks: { truth: 'both' },
  });
const run = (vm: Partial<VmInput>) => {
  const { ended } = rehearse(scenario(vm));
  expect([ended.outcome, ended.checks.filter(({ held }) => !held)]).toEqual(['completed', []]);
  return ended;
};

describe('each split is paid by whoever stalls', () => {
  // 128 MiB are 64 leaves of 2 MiB, 32,768 pages; at 1 us each the split takes 32.768 ms.
  const eager = { split: 'eager', splitPage: '1us', collapseFault: 0 } as const;

  test('eager, at the start: the setup is longer by it', () => {
    const base = run({ dirtyLog: 'bitmap', kvm: {} });
    const split = run({ dirtyLog: 'bitmap', backing: '2MiB', kvm: eager });
    expect(split.setupMs! - base.setupMs!).toBeCloseTo(32.768, 3);
    expect(split.guest.stalledMs).not.toHaveProperty('splits');
  });

  test('eager with INITIALLY_SET, at the first CLEAR: the first pass is longer by it, and the setup is not', () => {
    const base = run({ dirtyLog: 'bitmap-manual', kvm: {} });
    const split = run({ dirtyLog: 'bitmap-manual', backing: '2MiB', kvm: eager });
    expect(split.setupMs).toBe(base.setupMs);
    const longer = split.rounds[0]!.durationMs - base.rounds[0]!.durationMs;
    expect(longer).toBeGreaterThan(25);
    expect(longer).toBeLessThan(60);
  });

  test('lazy, in the fault: the vCPUs stand, and the report says for what', () => {
    const split = run({ dirtyLog: 'bitmap', backing: '2MiB', kvm: { split: 'lazy', splitFault: '50us' } });
    expect(split.guest.stalledMs.splits).toBeGreaterThan(1);
    expect(reportText(split)).toMatch(/split huge mappings/);
  });
});

// "KVM: Dirty ring interface" review, January 2020: with 1 GiB mappings migration becomes impossible.
test('never split: a bit for 2 MiB finds far more dirty, a bit for 1 GiB everything', () => {
  const found = (backing: '4KiB' | '2MiB' | '1GiB', memory: '1GiB' | '128MiB' = '128MiB') => {
    const vm = { memory, nonZero: '64MiB', dirtyLog: 'bitmap', backing, kvm: { split: 'none' } } as const;
    const { ended } = rehearse({ ...scenario(vm), giveUpAfterNs: 3e9 });
    return { outcome: ended.outcome, pages: ended.rounds[0]!.dirtyPagesBySource.vcpu! };
  };
  expect(found('2MiB').pages).toBeGreaterThan(2 * found('4KiB').pages);
  expect(found('1GiB', '1GiB')).toEqual({ outcome: 'unconverged', pages: 2 ** 18 });
});

test('backing by base pages is the same run as no backing', () => {
  const { ended: base } = rehearse(scenario({ dirtyLog: 'bitmap', kvm: {} }));
  expect(rehearse(scenario({ dirtyLog: 'bitmap', backing: '4KiB', kvm: {} })).ended).toEqual(base);
});

test('a fetched bitmap costs its size, a ring its entries', () => {
  const syncMs = (dirtyLog: 'bitmap' | 'ring') =>
    run({ dirtyLog, kvm: { scanPage: '100ns', harvest: 0 } }).rounds.map((round) => round.syncMs);
  // 32,768 pages at 100 ns.
  for (const ms of syncMs('bitmap')) expect(ms).toBeGreaterThanOrEqual(3.276);
  for (const ms of syncMs('ring')) expect(ms).toBeLessThan(1);
});

test('the keys are read, printed and read again, and absent where they are not given', () => {
  const full = scenario({
    dirtyLog: 'pml',
    backing: '1GiB',
    kvm: {
      scanPage: '0.5ns',
      protectPage: '55ns',
      split: 'lazy',
      splitPage: '61ns',
      splitFault: '8us',
      collapseFault: '2us',
      pmlFallback: '4MiB',
    },
  });
  expect(scenarioFrom(toInput(full))).toEqual(full);
  const keys = ['scanPageNs', 'protectPageNs', 'split', 'splitPageNs', 'splitFaultNs', 'pmlFallbackBytes'];
  const none = scenario({ dirtyLog: 'pml', kvm: {} }).vm;
  for (const key of keys) expect(none.kvm).not.toHaveProperty(key);
  expect(none).not.toHaveProperty('backingBytes');
});

test('pages that PML cannot log fault', () => {
  const { stalledMs } = run({ dirtyLog: 'pml', kvm: { pmlFallback: '64MiB', fault: '50us' } }).guest;
  expect(stalledMs.dirtyFaults).toBeGreaterThan(1);
});

test.each([
  ['a split without backing', { kvm: { split: 'lazy' } }, /vm\.kvm\.split: there is nothing to split/],
  ['backing without vm.kvm', { backing: '2MiB' }, /vm\.backing: .*kvm: \{\}/],
  [
    'backing by less than a page',
    { pageSize: '64KiB', backing: '4KiB', kvm: {} },
    /vm\.backing: is smaller than a page/,
  ],
  ['no size that KVM maps', { backing: '4MiB', kvm: {} }, /vm\.backing/],
  ['part of a page', { kvm: { pmlFallback: '1KiB' } }, /vm\.kvm\.pmlFallback/],
  ['more than there is', { kvm: { pmlFallback: '1GiB' } }, /vm\.kvm\.pmlFallback/],
] as const)('%s is refused', (_, vm, message) => {
  expect(() => scenario(vm as Partial<VmInput>)).toThrow(ScenarioError);
  expect(() => scenario(vm as Partial<VmInput>)).toThrow(message);
});
