/**
 * What a check reached of all that there is, and what it did not, with the reason where there is one: transitions by chart,
 * kinds of fault, errnos by command, statuses by release.
 */
import { chartsFor, managers, policies } from '../../../machines/index.ts';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import { keyOf, transitionsOf } from '../../core/transitions.ts';
import { errnosOf } from '../../drivers/errnos.ts';
import { FAULT_KINDS } from './case.ts';
import type { Tally } from './coverage.ts';
import { STATUS_ROWS } from './status-rows.ts';
import { reasonFor } from './unreachable.ts';

export interface Missing {
  readonly what: string;
  /** Undefined: more seeds, or another scenario, may come there. */
  readonly because: string | undefined;
}

export interface Reached {
  readonly taken: number;
  readonly all: number;
  readonly missing: readonly Missing[];
}

export interface ReachedReport {
  /** By chart, and of all of them. */
  readonly charts: Readonly<Record<string, Reached>>;
  /** Of the migration itself. */
  readonly transitions: Reached;
  /** Of rules, managers and throttles: those who judge and slow down, of which a run has few. */
  readonly rules: Reached;
  readonly faults: Reached;
  readonly errnos: Reached;
  readonly statuses: Reached;
}

export function reachedOf(tally: Tally): ReachedReport {
  const charts = Object.fromEntries(
    [...allMachines()].map(([name, machine]) => [name, among(transitionsOf(machine).map(keyOf), tally.transitions)]),
  );
  const errnos = (Object.keys(COMMANDS) as CommandName[]).flatMap((name) =>
    errnosOf(name).map((errno) => `${name} ${errno}`),
  );
  const statuses = STATUS_ROWS.flatMap(({ from, to, loops }) => loops.map((loop) => `${loop}: ${from} -> ${to}`));
  return {
    charts,
    transitions: sum(Object.entries(charts).flatMap(([name, one]) => (isRule(name) ? [] : [one]))),
    rules: sum(Object.entries(charts).flatMap(([name, one]) => (isRule(name) ? [one] : []))),
    faults: among(FAULT_KINDS, tally.disturbances),
    errnos: among(errnos, tally.errnos),
    statuses: among(statuses, tally.statuses),
  };
}

function isRule(chart: string): boolean {
  return /^(convergence-|manager-)|^(auto-converge|dirty-limit|stepped-throttle)$/.test(chart);
}

/** Percent of what is not known to be out of reach. */
export function percentOf({ taken, missing }: Reached): number {
  const open = missing.filter(({ because }) => because === undefined).length;
  return taken + open === 0 ? 100 : (100 * taken) / (taken + open);
}

function among(all: readonly string[], counts: Readonly<Record<string, number>>): Reached {
  const missing = all.filter((what) => (counts[what] ?? 0) === 0);
  return {
    taken: all.length - missing.length,
    all: all.length,
    missing: missing.map((what) => ({ what, because: reasonFor(what) })),
  };
}

function sum(parts: readonly Reached[]): Reached {
  return {
    taken: parts.reduce((total, { taken }) => total + taken, 0),
    all: parts.reduce((total, { all }) => total + all, 0),
    missing: parts.flatMap(({ missing }) => missing),
  };
}

function* allMachines() {
  const seen = new Set<string>();
  const all = [
    ...Object.keys(policies).flatMap((policy) => Object.values(chartsFor(policy))),
    ...Object.values(managers).map(({ machine }) => machine),
  ];
  for (const machine of all) {
    if (seen.has(machine.id)) continue;
    seen.add(machine.id);
    yield [machine.id, machine] as const;
  }
}
