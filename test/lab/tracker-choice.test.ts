/**
 * A container with one device that logs its DMA and one that does not, behind an IOMMU with dirty bits in 2 MiB leaves: by
 * each rule nothing is lost, and what is asked decides how much is reported.
 */
import { describe, expect, test } from 'vitest';
import { TRACKER_CHOICES, type TrackerChoice } from '../../machines/words.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';

function run(trackerChoice: TrackerChoice) {
  const nic = { kind: 'nic', features: ['stop-copy', 'p2p'], state: { stopCopy: '1MiB' } } as const;
  const { ended } = rehearse(
    scenarioFrom({
      name: 'a mixed container',
      vm: { memory: '256MiB' },
      containers: [
        {
          iommu: { kind: 'iommufd', dirtyTracking: true, leaf: '2MiB' },
          trackerChoice,
          devices: [
            { ...nic, id: 'logs', dmaLogging: true, dma: { rate: '20MiB/s', ring: '4MiB' } },
            { ...nic, id: 'cannot', dma: { rate: '20MiB/s', ring: '4MiB', at: '64MiB' } },
          ],
        },
      ],
      vmm: { downtimeLimit: '100ms' },
      checks: { truth: 'both' },
    }),
  );
  return ended;
}

describe('who decides between device logs and the IOMMU', () => {
  test.each(TRACKER_CHOICES)('%s: completed, nothing lost, every check held', (choice) => {
    const report = run(choice);
    expect(report.outcome).toBe('completed');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    const expected = { qemu: 'iommu', 'iommu-first': 'iommu', 'per-device': 'per-device' }[choice];
    expect(report.trackers.map(({ tracker }) => tracker)).toEqual([expected]);
  });

  test('per-device reports by both, so the device that logs shows under its own name', () => {
    const sources = run('per-device').rounds.flatMap((round) => Object.keys(round.dirtyPagesBySource));
    expect(sources).toContain('dma:logs');
    expect(sources).toContain('iommu:0');
    expect(run('qemu').rounds.flatMap((round) => Object.keys(round.dirtyPagesBySource))).not.toContain('dma:logs');
  });
});
