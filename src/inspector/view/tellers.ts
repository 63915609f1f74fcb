/**
 * Who may tell whom what: read from the charts' own tables of outputs, without running anything; and how often it has happened.
 *
 * A chart is named by its kind, so that two devices are one. `driver` is who carries out commands. Facts are told to nobody in
 * particular and are left out; what an operator says is in no table.
 */
import type { AnyStateMachine } from 'xstate';
import { chartsFor, managers, policies, shadowOf } from '../../../machines/index.ts';
import type { OutputRoute } from '../../../machines/messages.ts';
import { kindOf } from '../../core/system.ts';
import type { Folded } from './instant.ts';
import { firstAfter } from './visits.ts';

export const TELLINGS = ['message', 'command', 'opens', 'closes'] as const;
export type Telling = (typeof TELLINGS)[number];

export interface TellerEdge {
  readonly from: string;
  readonly to: string;
  readonly how: Telling;
  /** Types of messages, names of commands; none where a chart is opened or closed. */
  readonly types: readonly string[];
}

/** Of these charts, in the order of the table, each edge once. */
export function tellersOf(
  charts: readonly (readonly [kind: string, machine: AnyStateMachine])[],
): readonly TellerEdge[] {
  const edges = new Map<string, { from: string; to: string; how: Telling; types: string[] }>();
  const add = (from: string, to: string, how: Telling, type?: string) => {
    const key = `${from} ${how} ${to}`;
    const edge = edges.get(key) ?? { from, to, how, types: [] };
    edges.set(key, edge);
    if (type !== undefined && !edge.types.includes(type)) edge.types.push(type);
  };
  for (const [from, machine] of charts) {
    for (const route of routesOf(machine)) {
      switch (route.kind) {
        case 'message':
          for (const to of route.to) add(from, to, 'message', route.type);
          break;
        case 'command':
          add(from, 'driver', 'command', route.name);
          break;
        case 'open':
          add(from, route.chart, 'opens');
          break;
        case 'close':
          add(from, route.chart, 'closes');
          break;
        case 'fact':
          break;
        default:
          route satisfies never;
      }
    }
  }
  return [...edges.values()];
}

function routesOf(machine: AnyStateMachine): readonly OutputRoute[] {
  return Object.values(machine.implementations.actions).flatMap((action) => {
    const route = (action as { readonly route?: OutputRoute } | undefined)?.route;
    return route === undefined ? [] : [route];
  });
}

interface NamedInPlan {
  readonly policy?: { readonly name?: string };
  readonly manager?: { readonly name?: string };
  readonly shadows?: readonly { readonly name?: string }[];
}

/** The charts that a run's plan names; one of the user's own is not among them, and its messages are what such a one may say. */
export function chartsOfPlan(plan: unknown): readonly (readonly [kind: string, machine: AnyStateMachine])[] {
  // What somebody else's log says was seen is one chart that tells nobody.
  if (typeof plan !== 'object' || plan === null || !Object.hasOwn(plan, 'policy')) return [];
  const { policy, manager, shadows = [] } = plan as NamedInPlan;
  const rule = policy?.name !== undefined && Object.hasOwn(policies, policy.name) ? policy.name : 'qemu';
  const above = manager?.name !== undefined && Object.hasOwn(managers, manager.name) ? manager.name : undefined;
  const watching = shadows.flatMap(({ name }) => {
    const entry = name !== undefined && Object.hasOwn(policies, name) ? policies[name] : undefined;
    return entry === undefined ? [] : [['shadow', shadowOf(entry.machine)] as const];
  });
  return [...Object.entries(chartsFor(rule, above)), ...watching];
}

/** From left to right: the root, the phases that it opens, who decides, who is told to, the devices, and who carries it out. */
const LAYERS: readonly (readonly string[])[] = [
  ['migration'],
  ['pre-copy', 'stop-and-copy', 'post-copy', 'roll-back', 'in-doubt', 'hot-plug'],
  ['manager', 'policy', 'shadow', 'auto-converge', 'dirty-limit', 'stepped-throttle'],
  ['guest', 'dirty-log', 'destination', 'guest-driver'],
  ['tracking', 'device', 'vfio'],
  ['driver'],
];

/** Those of the kinds that some edge has, in their places; one that has none stands before the driver. */
export function layersOf(edges: readonly TellerEdge[]): readonly (readonly string[])[] {
  const kinds = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const placed = LAYERS.map((layer) => layer.filter((kind) => kinds.has(kind)));
  const others = [...kinds].filter((kind) => !LAYERS.some((layer) => layer.includes(kind)));
  return [...placed.slice(0, -1), others, ...placed.slice(-1)].filter((layer) => layer.length > 0);
}

/** What has been told, by who, whom, how and what. */
export interface ToldSoFar {
  readonly from: string;
  readonly to: string;
  readonly how: Telling;
  readonly type: string;
  /** Up to and with the record that was asked for. */
  readonly count: number;
  /** Of the last records in which it was told, up to that record. */
  readonly last: readonly number[];
}

const LAST_MAX = 24;

export class Tellings {
  readonly #told = new Map<string, Omit<ToldSoFar, 'count' | 'last'> & { readonly positions: number[] }>();

  see({ record, told, effects, closed }: Folded): void {
    const { position } = record;
    for (const { from, to, event, opens } of told) {
      // Nobody knows who opened it: the record did.
      if (opens) this.#add('', kindOf(to), 'opens', '', position);
      else if (from !== undefined) this.#add(kindOf(from), kindOf(to), 'message', event.type, position);
    }
    for (const effect of effects) {
      if (effect.kind === 'command') this.#add(kindOf(effect.by), 'driver', 'command', effect.name, position);
    }
    for (const address of closed) this.#add('', kindOf(address), 'closes', '', position);
  }

  upTo(position: number): readonly ToldSoFar[] {
    return [...this.#told.values()].flatMap(({ positions, ...told }) => {
      const count = firstAfter(positions, position, (at) => at);
      const last = [...new Set(positions.slice(Math.max(0, count - LAST_MAX), count))];
      return [{ ...told, count, last }];
    });
  }

  #add(from: string, to: string, how: Telling, type: string, position: number): void {
    const key = `${from} ${how} ${to} ${type}`;
    const known = this.#told.get(key);
    if (known === undefined) this.#told.set(key, { from, to, how, type, positions: [position] });
    else known.positions.push(position);
  }
}
