/**
 * What a trial comes to, as a flat row of JSON: the same columns for `compare`, for every file of a sweep and for whoever reads
 * them. Times are ms on the run's clock, sizes bytes; null means that the run did not get that far, and unknown is never zero.
 */
import type { Outcome } from '../../../machines/messages.ts';
import { planOf } from '../plan.ts';
import type { Report } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { AS_WRITTEN } from './policy-choice.ts';

/** The columns that every row has, in the order in which they are written. */
export interface TrialFigures {
  /** As it was asked for; `as-written` where the scenario's own was left as it is. */
  readonly policy: string;
  readonly loop: string;
  /** The vmm's rule that ends pre-copy. */
  readonly rule: string;
  /** auto-converge, dirty-limit or stepped-throttle; `none`. */
  readonly throttle: string;
  readonly manager: string;
  /** Of the rule, the throttle and the manager, whichever has any, by these words: JSON in one text. */
  readonly parameters: string;
  readonly downtimeLimitMs: number;
  readonly seed: number;
  readonly outcome: Outcome;
  /** Why, in the charts' words; empty for one that completed. */
  readonly reason: string;
  /** vCPUs stopped, whatever became of it. */
  readonly downtimeMs: number | null;
  /** Of the device that was longest without service; null without devices, or where one of them has none. */
  readonly serviceDowntimeMs: number | null;
  /** From the order to migrate to the end. */
  readonly totalMs: number;
  /** On the wire. */
  readonly bytesTotal: number;
  /** Sent for nothing: what was sent again of a run that completed, all of one that did not. */
  readonly bytesWasted: number;
  readonly rounds: number;
  /** Share of the run in which the vCPUs stood still, whatever the cause. */
  readonly slowdownPercent: number;
  /** The most that was in force at the end of a round. */
  readonly throttleMaxPercent: number;
  /** Pages that differ at the hand-over; null where there was none. */
  readonly lostPages: number | null;
  /** Laws that it broke, told one after the other; empty, or no figure of the row is worth anything. */
  readonly broken: string;
}

/** One more column for each device: `serviceDowntimeMs.vgpu0`. */
export type ServiceColumn = `serviceDowntimeMs.${string}`;

export type TrialRow = TrialFigures & { readonly [device: ServiceColumn]: number | null };

/** What policies are compared by, in the order of the table; less is better in each. */
export const COMPARED = [
  'downtimeMs',
  'serviceDowntimeMs',
  'totalMs',
  'bytesTotal',
  'bytesWasted',
  'rounds',
  'slowdownPercent',
] as const satisfies readonly (keyof TrialFigures)[];

/** The columns that are numbers to be compared; less is better in each. */
export const MEASURES = [...COMPARED, 'throttleMaxPercent'] as const satisfies readonly (keyof TrialFigures)[];

/** Every column of TrialFigures, in order; those of devices come after them. */
export const COLUMNS = [
  'policy',
  'loop',
  'rule',
  'throttle',
  'manager',
  'parameters',
  'downtimeLimitMs',
  'seed',
  'outcome',
  'reason',
  ...MEASURES,
  'lostPages',
  'broken',
] as const satisfies readonly (keyof TrialFigures)[];

export type MeasureName = (typeof MEASURES)[number];

/** What stays the same in every row of a setting: made once, spread into each. */
export type RowHead = Pick<
  TrialFigures,
  'policy' | 'loop' | 'rule' | 'throttle' | 'manager' | 'parameters' | 'downtimeLimitMs'
>;

export function rowHead(policy: string | undefined, scenario: Scenario): RowHead {
  const { vmm, manager } = scenario;
  const { name: rule, ...ruled } = vmm.policy;
  const throttle = throttleOf(vmm);
  const parameters = {
    ...(Object.keys(ruled).length === 0 ? {} : { rule: ruled }),
    ...(throttle === undefined ? {} : { throttle: throttle.parameters }),
    ...(manager.policy === 'none' ? {} : { manager: manager.parameters }),
  };
  return {
    policy: policy ?? AS_WRITTEN,
    loop: vmm.loop,
    rule,
    throttle: throttle?.name ?? 'none',
    manager: manager.policy,
    parameters: JSON.stringify(parameters),
    downtimeLimitMs: planOf(scenario).downtimeLimitMs,
  };
}

function throttleOf({ autoConverge, dirtyLimit, steppedThrottle }: Scenario['vmm']) {
  if (autoConverge !== undefined) return { name: 'auto-converge', parameters: autoConverge };
  if (dirtyLimit !== undefined) return { name: 'dirty-limit', parameters: dirtyLimit };
  return steppedThrottle === undefined ? undefined : { name: 'stepped-throttle', parameters: steppedThrottle };
}

/** `lostPages`: as the hand-over told it; null where there was none. */
export function rowOf(head: RowHead, report: Report, lostPages: number | null): TrialRow {
  const { outcome, bytes, devices } = report;
  const services = devices.map(({ serviceDowntimeMs }) => serviceDowntimeMs);
  return {
    ...head,
    seed: report.seed,
    outcome,
    reason: report.reason,
    downtimeMs: report.downtimeMs,
    serviceDowntimeMs: worst(services),
    totalMs: report.totalMs,
    bytesTotal: bytes.total,
    bytesWasted: wasted(report),
    rounds: report.rounds.length,
    slowdownPercent: report.guest.slowdownPercent,
    throttleMaxPercent: report.rounds.reduce((most, { throttlePercent }) => Math.max(most, throttlePercent), 0),
    lostPages,
    broken: report.checks
      .filter(({ held }) => !held)
      .map(({ name, because }) => `${name}: ${because ?? 'broken'}`)
      .join('; '),
    ...Object.fromEntries(devices.map(({ id, serviceDowntimeMs }) => [serviceColumn(id), serviceDowntimeMs])),
  };
}

/** Without a pass nothing was sent twice: all of it went while the guest stood. */
function wasted({ outcome, bytes, rounds }: Report): number {
  if (outcome !== 'completed') return bytes.total;
  return rounds.length === 0 ? 0 : bytes.resent;
}

export function serviceColumn(device: string): ServiceColumn {
  return `serviceDowntimeMs.${device}`;
}

export function isServiceColumn(column: string): column is ServiceColumn {
  return column.startsWith(serviceColumn(''));
}

function worst(services: readonly (number | null)[]): number | null {
  const known = services.filter((service) => service !== null);
  return known.length === 0 || known.length < services.length ? null : Math.max(...known);
}
