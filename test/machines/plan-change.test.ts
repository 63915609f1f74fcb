/**
 * A plan whose devices change, and what may not be. The refusals of QEMU: qdev-monitor.c, qdev_device_add_from_qdict
 * ("device_add not allowed while migrating") and qdev_unplug ("device_del not allowed while migrating").
 */
import { describe, expect, test } from 'vitest';
import { isQemu, LOOPS } from '../../machines/loops.ts';
import type { Plan, PlanContainer } from '../../machines/plan.ts';
import { changedPlan, changingContainer, type DeviceChange, refusal } from '../../machines/plan-change.ts';
import { smallPlan } from '../simulation/small-plan.ts';

const device = (id: string, more: object = {}) => ({ id, features: 3, logsDma: true, ...more }) as const;
function plan(container: Partial<PlanContainer> = {}, more: Partial<Plan> = {}): Plan {
  return smallPlan({
    loop: 'textbook',
    hotPlug: true,
    containers: [
      { id: 'a', iommuTracks: true, devices: [] },
      { id: 'b', iommuTracks: true, devices: [device('nic0')], pluggable: [device('nic1')], ...container },
    ],
    ...more,
  });
}
const plug = (id: string): DeviceChange => ({ to: 'plug', device: id });
const unplug = (id: string): DeviceChange => ({ to: 'unplug', device: id });
const namesIn = ({ containers }: Plan) =>
  containers.map(({ devices, pluggable = [] }) => [devices.map(({ id }) => id), pluggable.map(({ id }) => id)]);

describe('a change', () => {
  test('moves a device in or out of its own container, and back', () => {
    const plugged = changedPlan(plan(), plug('nic1'));
    expect(namesIn(plugged)).toEqual([
      [[], []],
      [['nic0', 'nic1'], []],
    ]);
    expect(namesIn(changedPlan(plugged, unplug('nic0')))[1]).toEqual([['nic1'], ['nic0']]);
    expect(changingContainer(plan(), plug('nic1'))?.id).toBe('b');
    expect(changingContainer(plan(), plug('nic0'))).toBeUndefined();
  });

  test('made twice is made once', () => {
    const once = changedPlan(plan(), plug('nic1'));
    expect(namesIn(changedPlan(once, plug('nic1')))).toEqual(namesIn(once));
  });
});

describe('is refused', () => {
  test.each(LOOPS.filter(isQemu))('by %s, whatever it is', (loop) => {
    expect(refusal(plan({}, { loop }), plug('nic1'))).toBe(
      `${loop} refuses device_add while a migration runs (QEMU, qdev-monitor.c, qdev_device_add_from_qdict)`,
    );
    expect(refusal(plan({}, { loop }), unplug('nic0'))).toBe(
      `${loop} refuses device_del while a migration runs (QEMU, qdev-monitor.c, qdev_unplug)`,
    );
  });

  const rows: readonly (readonly [string, Plan, DeviceChange, string | undefined])[] = [
    ['not by the textbook', plan(), plug('nic1'), undefined],
    ['not when it was unplugged', plan(), unplug('nic0'), undefined],
    ['a device that nobody has described', plan(), plug('nic7'), 'no container has a device nic7'],
    ['one that is there', plan(), plug('nic0'), 'nic0 is plugged already'],
    ['one that is not', plan(), unplug('nic1'), 'nic1 is not plugged'],
    [
      'a second device without P2P',
      plan({ pluggable: [device('nic1', { features: 1 })] }),
      plug('nic1'),
      'the migration could not go on: 2 VFIO devices need P2P states on every one, and nic1 has none: one could still write to another that is stopped',
    ],
    [
      'one that leaves its container without a tracker',
      plan({ iommuTracks: false, pluggable: [device('nic1', { logsDma: false })] }),
      plug('nic1'),
      'the migration could not go on: container b has no dirty tracking: nic1 cannot log DMA and the IOMMU cannot track (enable-migration=on goes on with all memory dirty for ever)',
    ],
    [
      'not where perpetual tracking was asked for',
      plan({ iommuTracks: false, pluggable: [device('nic1', { logsDma: false })] }, { enableMigration: 'on' }),
      plug('nic1'),
      undefined,
    ],
    [
      'one whose going makes a guest driver take part',
      plan(
        {
          iommuTracks: false,
          devices: [device('vf0', { logsDma: false, cooperates: true }), device('nic0', { logsDma: false })],
        },
        { enableMigration: 'on' },
      ),
      unplug('nic0'),
      'it would change which guest drivers take part (none before, vf0 after), which is not modelled',
    ],
  ];
  test.each(rows)('%s', (_, of, change, because) => {
    expect(refusal(of, change)).toBe(because);
  });
});
