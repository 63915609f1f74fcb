/** Cases in which a check has found something, made small: each broke a law once, and must not again. */
import { expect, test } from 'vitest';
import type { Case } from '../../../src/lab/check/case.ts';
import { runCase } from '../../../src/lab/check/run-case.ts';
import { judge } from '../../../src/lab/check/verdict.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';

const NIC = { kind: 'nic', features: ['stop-copy', 'p2p'], dmaLogging: true } as const;

const FOUND: Readonly<Record<string, Omit<Case, 'seed'>>> = {
  'patience that is halved for ever in one long pass': {
    input: {
      name: 'patience',
      vm: { memory: '4KiB' },
      containers: [{ iommu: { kind: 'iommufd' }, devices: [{ ...NIC, id: 'nic0', state: { stopCopy: '1MiB' } }] }],
      manager: { policy: 'kubevirt-stall', stallWindow: '50ms', patience: '50ms', completionTimeoutPerGb: '30ms' },
      giveUpAfter: '700ms',
    },
  },
  'a throttle that is told of the sync after which pre-copy is over': {
    input: {
      name: 'throttled too late',
      vm: { memory: '4KiB' },
      vmm: { loop: 'cloud-hypervisor', steppedThrottle: { afterPasses: 2 } },
      giveUpAfter: '4s',
    },
    own: 'wakes',
  },
  'a page that is left out though the next CLEAR forgets that it was written': {
    input: {
      name: 'looked before it was armed',
      vm: {
        memory: '16MiB',
        dirtyLog: 'bitmap-manual',
        workloads: [{ kind: 'random', set: '2304KiB', rate: '2k/s' }],
      },
      sender: { sync: '30ms' },
      vmm: { loop: 'xen', policy: { name: 'xen-legacy' } },
      giveUpAfter: '1s',
    },
  },
  'a throttle that stays when the source goes on after a doubt': {
    input: {
      name: 'slow after the doubt',
      vm: { memory: '4KiB' },
      vmm: { loop: 'xen', steppedThrottle: { afterPasses: 1 } },
      giveUpAfter: '5004ms',
      faults: [{ command: 'startDestination', hangs: true }],
    },
    doubts: ['destination-fenced'],
  },
  'a throttle that could not be taken away, and nobody is told': {
    input: {
      name: 'left slow',
      vm: { memory: '2MiB', workloads: [{ kind: 'random', set: '2MiB', rate: '40k/s' }] },
      link: { bandwidth: '200Mbit/s' },
      vmm: { autoConverge: true, downtimeLimit: '20ms' },
      giveUpAfter: '3s',
      faults: [{ command: 'throttleVcpus', nth: 2, fails: 'EINVAL' }],
    },
  },
  'a throttle that ticks on when pre-copy has ended for post-copy': {
    input: {
      name: 'ticks on',
      vm: { memory: '2MiB', workloads: [{ kind: 'random', set: '2MiB', rate: '40k/s' }] },
      vmm: { loop: 'qemu-9.2', autoConverge: true, postcopy: true },
      manager: { policy: 'ovirt-post-copy', poll: '100ms' },
      giveUpAfter: '6s',
      faults: [{ command: 'stopVcpus', hangs: true }],
    },
  },
  'a function that wakes when pre-copy has ended for post-copy': {
    input: {
      name: 'wakes in vain',
      vm: { memory: '2MiB', workloads: [{ kind: 'random', set: '2MiB', rate: '40k/s' }] },
      hosts: { source: { stopVcpus: '100ms' } },
      vmm: { loop: 'qemu-9.2', postcopy: { after: 2 } },
      giveUpAfter: '2s',
    },
    own: 'restless',
  },
  'a last report that failed, where no log is read before the devices stop': {
    input: {
      name: 'lost and skipped',
      vm: { memory: '4MiB' },
      containers: [
        {
          iommu: { kind: 'type1', dirtyTracking: true },
          trackerChoice: 'per-device',
          devices: [
            { ...NIC, id: 'nic0', unpluggedAt: '3ms', state: { stopCopy: '0KiB' } },
            { ...NIC, id: 'nic1', dmaLogging: false, preCopyDirtyTracking: false, state: { stopCopy: '0KiB' } },
          ],
        },
      ],
      vmm: { loop: 'textbook' },
      giveUpAfter: '1s',
      faults: [{ command: 'reportDirty', fails: 'EOPNOTSUPP' }],
    },
  },
};

test.each(Object.entries(FOUND))('%s', async (_, one) => {
  const seeded = { ...one, seed: 1 };
  expect(judge(await runCase(seeded, scenarioFrom(one.input)))).toBeUndefined();
});
