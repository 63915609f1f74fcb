/**
 * The order of a device that only the guest's driver can tell about (kvm list, December 2015, live migration of SR-IOV NICs):
 * each wrong one is planted in the records of a sound run, and the record that gave it is named, whether or not the run lost
 * a page by it (G7).
 */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../machines/plan.ts';
import { runSmall } from '../simulation/run-small.ts';
import {
  addCommand,
  answeredAt,
  dropCommand,
  editAnswer,
  expectBroken,
  expectHeld,
  issuedAt,
  moveCommand,
  type Run,
} from './planted.ts';

const NAME = 'final-order';
const plan = (haltsDuring: object = {}): Partial<Plan> => ({
  containers: [
    {
      id: '0',
      iommuTracks: false,
      devices: [{ id: 'nic0', features: 7, logsDma: false, cooperates: true, ...haltsDuring }],
    },
  ],
});
const ended = runSmall({ plan: plan() });
const run: Run = ended.recorded;
const duringPreCopy: Run = runSmall({ plan: plan({ haltsDuring: 'precopy' }) }).recorded;
const BY = 'guest-driver/nic0';
const HALT = { name: 'haltDma' } as const;
const CONFIRM = { name: 'confirmDmaHalted' } as const;
const DIRTY = { name: 'dirtyDmaPages' } as const;

describe('a sound run', () => {
  test('completed, in this order', () => {
    expect(ended.outcome).toBe('completed');
    const steps = [
      'notifyGuest',
      'haltDma',
      'confirmDmaHalted',
      'dirtyDmaPages',
      'stopVcpus',
      'startDestination',
      'resumeDma',
    ];
    expect(ended.commands.filter((name) => steps.includes(name))).toEqual(steps);
  });

  test('is held', () => {
    expectHeld(run, NAME);
    expectHeld(duringPreCopy, NAME);
  });
});

describe('the five wrong orders', () => {
  test('1. T34, G1, G3: dummy writes before the halt is confirmed', () => {
    for (const before of [HALT, CONFIRM]) {
      const position = issuedAt(run, before);
      const wrong = moveCommand(run, DIRTY, position, 'first');
      expectBroken(
        wrong,
        NAME,
        position,
        /^dirtyDmaPages of nic0 comes before its DMA was confirmed as halted \(G1\)$/,
      );
    }
    const on = editAnswer(run, CONFIRM, { halted: false });
    expectBroken(on, NAME, issuedAt(run, DIRTY), /\(G1\)$/);
  });

  test.each([
    ['2. G6: a hole is left', 63],
    ['3. G4: late buffers are left out', 32],
  ])('%s', (_, dirtiedPages) => {
    const wrong = editAnswer(run, DIRTY, { dirtiedPages });
    const because = new RegExp(`^dirtyDmaPages of nic0 wrote ${dirtiedPages} of 64 pages .*\\(G4, G6\\)$`);
    expectBroken(wrong, NAME, answeredAt(run, DIRTY), because);
  });

  test('4. G2: collected before the dummy writes', () => {
    const position = answeredAt(run, HALT);
    const wrong = addCommand(run, position, { name: 'getDirtyLog', by: 'dirty-log' });
    expectBroken(
      wrong,
      NAME,
      position,
      /^getDirtyLog collects before the guest driver of nic0 has written its pages \(G2\)$/,
    );
  });

  test('5. G5: vCPUs stopped before the driver has finished', () => {
    const position = issuedAt(run, DIRTY);
    const wrong = moveCommand(run, { name: 'stopVcpus' }, position);
    expectBroken(
      wrong,
      NAME,
      position,
      /^stopVcpus comes before the guest driver of nic0 has written its pages \(G5\)$/,
    );
  });
});

describe('and', () => {
  test('G5: a switchover that never asks the driver', () => {
    const steps = [{ name: 'notifyGuest' } as const, HALT, CONFIRM, DIRTY];
    const wrong = steps.reduce<Run>((left, step) => dropCommand(left, step), run);
    expectBroken(wrong, NAME, issuedAt(run, { name: 'stopVcpus' }), /\(G5\)$/);
  });

  test('G5: dummy writes ordered from a guest that stands still', () => {
    const position = answeredAt(run, { name: 'stopVcpus' });
    const wrong = addCommand(run, position, { name: 'dirtyDmaPages', by: BY });
    expectBroken(wrong, NAME, position, /when the vCPUs have stopped \(G5\)$/);
  });

  test('G5: a halt that nobody was told of', () => {
    const wrong = dropCommand(run, { name: 'notifyGuest' });
    expectBroken(wrong, NAME, issuedAt(run, HALT), /before the guest has heard of it \(G5\)$/);
  });

  test('G3: DMA that goes on after its last dummy write', () => {
    const dirtied = answeredAt(run, DIRTY);
    const early = addCommand(run, dirtied, { name: 'resumeDma', by: BY, params: { host: 'source' } });
    expectBroken(early, NAME, issuedAt(run, { name: 'stopVcpus' }), /\(G5\)$/);
    const stopped = answeredAt(run, { name: 'stopVcpus' });
    const late = addCommand(run, stopped, { name: 'resumeDma', by: BY, params: { host: 'source' } });
    expectBroken(late, NAME, stopped, /\(G3\)$/);
  });

  test('a driver that goes on at the destination before the guest runs there', () => {
    const position = issuedAt(run, { name: 'loadDestination' });
    const wrong = addCommand(run, position, { name: 'resumeDma', by: BY, params: { host: 'destination' } });
    expectBroken(wrong, NAME, position, /^resumeDma of nic0 on the destination comes before the guest runs there$/);
  });

  test('an IOMMU that tracks asks for none of it', () => {
    const tracked = plan();
    const [container] = tracked.containers!;
    const plain = runSmall({ plan: { containers: [{ ...container!, iommuTracks: true }] } });
    expect(plain.outcome).toBe('completed');
    expect(plain.commands).not.toContain('haltDma');
    expectHeld(plain.recorded, NAME);
  });
});

test('the way back is another order and not held here', () => {
  const back = runSmall({ plan: plan(), cancelAfter: issuedAt(run, DIRTY) });
  expect(back.outcome).toBe('cancelled');
  expect(back.commands).toContain('resumeDma');
  expectHeld(back.recorded, NAME);
});
