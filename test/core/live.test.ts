/**
 * A whole migration gives the same effects live and pure: the same commands from the same charts with the same params, under
 * the same ids, at the same virtual times.
 */
import { describe, expect, test } from 'vitest';
import { type AnyActorRef, type InspectionEvent, setup } from 'xstate';
import type { Plan } from '../../machines/plan.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';
import { createChart } from '../../src/core/chart.ts';
import type { Effect } from '../../src/core/effect.ts';
import { type LiveTurn, live } from '../../src/core/live.ts';
import { stepperFor } from '../../src/run/stepper.ts';
import { type Disturbance, runSmall } from '../simulation/run-small.ts';
import { openedFrom, smallPlan } from '../simulation/small-plan.ts';
import { runLiveSmall } from './live-small.ts';

const variants: readonly { name: string; plan: Partial<Plan> }[] = [
  { name: 'two devices with P2P and pre-copy', plan: {} },
  {
    name: 'textbook loop, no-progress policy',
    plan: { loop: 'textbook', policy: { name: 'no-progress', version: '1', parameters: { shrinkPercent: 5 } } },
  },
  { name: 'no devices, 7.2', plan: { loop: 'qemu-7.2', containers: [] } },
  { name: 'one stop-copy device, IOMMU tracking', plan: { containers: [oneDevice(1, true)] } },
  { name: 'nothing tracks, all memory is dirty', plan: { enableMigration: 'on', containers: [oneDevice(7, false)] } },
  { name: 'blocked', plan: { containers: [oneDevice(7, false)] } },
  { name: 'gives up before it has begun to converge', plan: { giveUpAfterMs: 30 } },
  { name: 'short deadlines that a round does not meet', plan: { deadlinesMs: { sendRound: 49 } } },
];

function oneDevice(features: 1 | 7, iommuTracks: boolean) {
  return { id: '0', iommuTracks, devices: [{ id: 'nic0', features, logsDma: false }] };
}

interface Turned {
  readonly position: number;
  readonly atMs: number;
  readonly outcome: string;
  readonly effects: readonly Effect[];
}

function pure(disturbance: Disturbance): Turned[] {
  return runSmall(disturbance).recorded.map(({ record: { position, atNs }, outcome, effects }) => ({
    position,
    atMs: atNs / 1e6,
    outcome,
    effects,
  }));
}

function alive(disturbance: Disturbance): Turned[] {
  return runLiveSmall(disturbance).turns.map(({ position, atNs, outcome, effects }) => ({
    position,
    atMs: atNs / 1e6,
    outcome,
    effects,
  }));
}

const commandsIn = (turns: readonly Turned[]) =>
  turns.flatMap(({ atMs, effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'command' ? [{ atMs, name: effect.name, by: effect.by, params: effect.params }] : [],
    ),
  );

describe.each(variants)('$name', ({ plan }) => {
  const plain = pure({ plan });
  const commands = commandsIn(plain).length;

  test('undisturbed', () => {
    const lived = alive({ plan });
    expect(commandsIn(lived)).toEqual(commandsIn(plain));
    expect(lived).toEqual(plain);
  });

  test('cancelled after each of a few records', () => {
    for (let after = 1; after < plain.length; after += Math.max(1, Math.floor(plain.length / 8))) {
      const cancelled: Disturbance = { plan, cancelAfter: after };
      expect(alive(cancelled), `after ${after}`).toEqual(pure(cancelled));
    }
  });

  test.each(['error', 'hang', 'silent'] as const)('%s at each of a few commands', (kind) => {
    for (let nth = 1; nth <= commands; nth += Math.max(1, Math.floor(commands / 6))) {
      const disturbed: Disturbance = { plan, [kind]: nth };
      expect(alive(disturbed), `at command ${nth}`).toEqual(pure(disturbed));
    }
  });
});

test('the variants end as they were meant to', () => {
  const ends = variants.map(({ plan }) => runSmall({ plan }).outcome);
  const completed = ['completed', 'completed', 'completed', 'completed', 'completed'];
  expect(ends).toEqual([...completed, 'blocked', 'unconverged', 'failed']);
});

test('the small migration is long enough to mean something', () => {
  const turns = alive({});
  expect(commandsIn(turns).length).toBeGreaterThan(40);
  const kinds = new Set(turns.flatMap(({ effects }) => effects.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual(['clearTimer', 'command', 'fact', 'setTimer']);
  expect(alive({ cancelAfter: 30 }).some(({ effects }) => effects.some(({ kind }) => kind === 'abandon'))).toBe(true);
});

test('an inspector is attached to every actor', () => {
  const seen: InspectionEvent[] = [];
  const { performed } = runLiveSmall({ cancelAfter: 30 }, (event) => seen.push(event));
  const made = seen.filter(({ type }) => type === '@xstate.actor').map(({ actorRef }) => (actorRef as AnyActorRef).id);
  expect(made).toEqual([
    'migration',
    'guest',
    ...['vfio/nic0', 'vfio/destination/nic0', 'vfio/nic1', 'vfio/destination/nic1'],
    ...['device/nic0', 'device/destination/nic0', 'device/nic1', 'device/destination/nic1'],
    ...['tracking/0', 'dirty-log', 'policy', 'destination', 'pre-copy', 'stop-and-copy', 'roll-back'],
  ]);
  const acted = seen.flatMap((event) =>
    event.type === '@xstate.action' ? [`${(event.actorRef as AnyActorRef).id} ${event.action.type}`] : [],
  );
  const given = performed.map(({ by, name }) => `${by} ${name}`);
  expect(acted.filter((action) => given.includes(action))).toEqual(given);
});

describe('the system', () => {
  test('shows its actors while they run, and has stopped them all in the end', () => {
    const { system, turns } = runLiveSmall();
    expect(system.ended).toBe(true);
    expect(system.actors.size).toBe(0);
    expect(turns.at(-1)?.effects.at(-1)).toMatchObject({ event: { type: 'ENDED', outcome: 'completed' } });
  });

  test('leaves nothing on its clock when it is stopped midway', () => {
    const { clock, system } = begun({ fail: false });
    expect([...system.actors.keys()]).toEqual(['migration']);
    expect(system.actors.get('migration')?.getSnapshot().value).toBe('waiting');
    expect(clock.waitingEntries).toBe(1);
    system.stop();
    expect(clock.waitingEntries).toBe(0);
    expect(system.ended).toBe(true);
  });

  test('carries out nothing more once it has been stopped, not even what the same turn put out', () => {
    const clock = new VirtualClock();
    const plan = smallPlan();
    const performed: string[] = [];
    const system = live(stepperFor(openedFrom(plan)).charts, plan, {
      clock: xstateClock(clock),
      nowNs: () => clock.nowNs,
      perform: ({ name }) => performed.push(name),
      watch: ({ position }) => {
        if (position === 1) system.stop();
      },
    });
    expect(() => system.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } })).toThrow(
      'not been started',
    );
    system.start();
    system.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
    expect([system.ended, performed, clock.waitingEntries]).toEqual([true, [], 0]);
  });

  test('counts an answer that nobody waits for, and gives it to nobody', () => {
    const { system, turns } = begun({ fail: false });
    system.answer('7:7', { type: 'DONE.stopVcpus' });
    expect(turns.map(({ position, outcome, effects }) => [position, outcome, effects.length])).toEqual([
      [0, 'taken', 1],
      [1, 'late', 0],
    ]);
    expect(system.actors.get('migration')?.getSnapshot().value).toBe('waiting');
  });

  test('stops when a chart fails, and throws what it failed with', () => {
    const { clock, system } = begun({ fail: true });
    expect(() => clock.step()).toThrow('chart toy failed');
    expect(system.ended).toBe(true);
    expect(() => system.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } })).not.toThrow();
  });
});

/** A root chart that waits for a timer, and fails when told to as it fires. */
function begun(input: { readonly fail: boolean }) {
  const toy = setup({
    types: {} as { context: { fail: boolean }; input: { fail: boolean } },
    guards: {
      mayGoOn: ({ context }) => {
        if (context.fail) throw new Error('no');
        return true;
      },
    },
    delays: { aMoment: 10 },
  }).createMachine({
    id: 'toy',
    context: ({ input: given }) => given,
    initial: 'waiting',
    states: { waiting: { after: { aMoment: { guard: 'mayGoOn', target: 'over' } } }, over: {} },
  });
  const chart = createChart(toy);
  const clock = new VirtualClock();
  const charts = { root: { address: 'migration', kind: 'migration' } as const, chart: () => chart };
  const turns: LiveTurn[] = [];
  const options = { clock: xstateClock(clock), nowNs: () => clock.nowNs, watch: (turn: LiveTurn) => turns.push(turn) };
  const system = live(charts, input, options);
  system.start();
  return { clock, system, turns };
}
