/** Who writes guest memory: every kind of workload but traces, which need a file, and writers on the host. */
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Chance } from './chance.ts';
import { drawPlace, type Room } from './room.ts';

export type WorkloadInput = NonNullable<ScenarioInput['vm']['workloads']>[number];
export type HostWriterInput = NonNullable<ScenarioInput['vm']['hostWriters']>[number];

export const WORKLOAD_KINDS = ['idle', 'random', 'zipf', 'cycle', 'sequential', 'curve', 'phases'] as const;
const STEADY_KINDS = ['random', 'zipf', 'cycle', 'sequential', 'curve'] as const;

/** Writes per second: from what never matters to what a slow link cannot follow. */
const RATES = ['200/s', '2k/s', '10k/s', '40k/s'] as const;

export function drawWorkload(chance: Chance, room: Room): WorkloadInput {
  const kind = chance.pick(WORKLOAD_KINDS);
  const first = chance.between(0, room.vcpus - 1);
  const vcpus = { vcpus: `${first}-${room.vcpus - 1}` };
  if (kind === 'idle') return { kind };
  if (kind === 'phases') {
    const phases = Array.from({ length: chance.between(1, 3) }, () => ({
      for: chance.pick(['30ms', '200ms', '1s']),
      ...(chance.percent(25) ? { kind: 'idle' as const } : drawSteady(chance, room)),
    }));
    return { kind, phases, repeat: chance.percent(70), ...vcpus } as WorkloadInput;
  }
  return { ...drawSteady(chance, room, kind), ...vcpus } as WorkloadInput;
}

export function drawHostWriter(chance: Chance, room: Room): HostWriterInput {
  return { id: chance.pick(['vhost', 'emulation']), ...drawSteady(chance, room) } as HostWriterInput;
}

function drawSteady(chance: Chance, room: Room, kind: (typeof STEADY_KINDS)[number] = chance.pick(STEADY_KINDS)) {
  const place = drawPlace(chance, room);
  switch (kind) {
    case 'random':
    case 'sequential':
      return { kind, ...place, rate: chance.pick(RATES) };
    case 'cycle':
      return {
        kind,
        ...place,
        rate: chance.pick(RATES),
        ...chance.perhaps(30, () => ({ phase: `${room.pageKiB}KiB` })),
      };
    case 'zipf':
      return {
        kind,
        ...place,
        rate: chance.pick(RATES),
        skew: chance.pick([0, 0.9, 1.2]),
        order: chance.pick(['scattered', 'address']),
      };
    case 'curve': {
      // The smallest part has 16 pages, so that these fit into any set.
      const most = chance.between(2, 16);
      return {
        kind,
        ...place,
        points: [
          [20, 1],
          [200, Math.ceil(most / 2)],
          [2000, most],
        ] as const,
      };
    }
    default:
      return kind satisfies never;
  }
}
