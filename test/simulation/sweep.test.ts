/**
 * One disturbance each: a cancel at every record, an error, a hang and a lost answer at every command of a small migration
 * with two devices. Every end must be legal. No page exists here; what is swept is charts, core and runner.
 */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../machines/plan.ts';
import { illegalities, runSmall, runSmallWithCrash, type SmallRun } from './run-small.ts';

const variants: readonly { name: string; plan: Partial<Plan> }[] = [
  { name: 'pre-copy and P2P devices', plan: {} },
  { name: 'stop-copy devices with P2P', plan: { containers: [container(3, true)] } },
  { name: 'IOMMU tracking', plan: { containers: [container(7, false)] } },
  {
    name: 'textbook, no-progress',
    plan: { loop: 'textbook', policy: { name: 'no-progress', version: '1', parameters: { shrinkPercent: 5 } } },
  },
  { name: 'guest drivers that help', plan: { containers: [helped({})] } },
  { name: 'guest drivers that help at each sync', plan: { containers: [helped({ haltsDuring: 'precopy' })] } },
  { name: 'no devices, 7.2', plan: { loop: 'qemu-7.2', containers: [] } },
];

function container(features: 3 | 7, logsDma: boolean) {
  const device = (id: string) => ({ id, features, logsDma }) as const;
  return { id: '0', iommuTracks: true, devices: [device('nic0'), device('nic1')] };
}

function helped(changes: { readonly haltsDuring?: 'precopy' }) {
  const device = (id: string) => ({ id, features: 7, logsDma: false, cooperates: true, ...changes }) as const;
  return { id: '0', iommuTracks: false, devices: [device('nic0'), device('nic1')] };
}

describe.each(variants)('$name', ({ plan }) => {
  const plain = runSmall({ plan });

  test('completes when nothing goes wrong', () => {
    expect(plain.outcome).toBe('completed');
    expect(illegalities(plain)).toEqual([]);
  });

  test('a cancel after every record ends legally', () => {
    const positions = plain.recorded.map(({ record }) => record.position);
    sweep(positions, (cancelAfter) => runSmall({ plan, cancelAfter }));
  });

  test.each(['error', 'hang', 'silent'] as const)('%s at every command ends legally', (kind) => {
    const nths = plain.commands.map((_, index) => index + 1);
    sweep(nths, (nth) => runSmall({ plan, [kind]: nth }));
  });

  test.each(['sent', 'unsent'] as const)(
    'a crash after every record, its effects %s, ends legally',
    async (effects) => {
      for (const { record } of plain.recorded.slice(0, -1)) {
        const ran = await runSmallWithCrash(record.position, effects, plan);
        expect(illegalities(ran), `at ${record.position}: ${ran.outcome} (${ran.reason})`).toEqual([]);
      }
    },
  );
});

test('an error and a cancel together end legally', () => {
  const plain = runSmall();
  const cancelled = plain.recorded.map(({ record }) => runSmall({ cancelAfter: record.position }));
  for (let nth = 1; nth <= plain.commands.length; nth++) {
    // A cancel after the end of what fails never comes, nor does an error at a command that what is cancelled does not give.
    const failed = runSmall({ error: nth }).recorded;
    const positions = failed.map(({ record }) => record.position);
    const both = positions.filter((position) => (cancelled[position]?.commands.length ?? 0) >= nth);
    sweep(both, (cancelAfter) => runSmall({ error: nth, cancelAfter }), `error ${nth}, `);
  }
});

function sweep(points: readonly number[], run: (point: number) => SmallRun, prefix = ''): void {
  for (const point of points) {
    const ran = run(point);
    expect(
      illegalities(ran),
      `${prefix}at ${point}: ${ran.outcome} (${ran.reason}), statuses ${ran.statuses.join(' ')}`,
    ).toEqual([]);
  }
}
