/**
 * Whether a run ended legally, by rules of its own: they share no code with the charts, and look at the world that is left
 * as well as at what was told. The order is from the worst to the least; the first law that is broken names the failure.
 *
 * Safety outranks liveness: a source that stays stopped is legal where the run says `in-doubt` and something went wrong;
 * a second guest never is.
 */

import { isDeepStrictEqual } from 'node:util';
import type { CommandName } from '../../../machines/words.ts';
import type { EffectId } from '../../core/record.ts';
import type { ChartSet, System } from '../../core/system.ts';
import { isTakeUp } from '../../run/recover.ts';
import { replay } from '../../run/replay.ts';
import type { Recorded } from '../../run/runner.ts';
import { asMigrated } from '../detach.ts';
import { ReportProjection } from '../report/projection.ts';
import { isFaulty } from './draw/own-policies.ts';
import type { CaseRun } from './run-case.ts';

export const LAWS = [
  'never-two-guests',
  'no-write-lost',
  'no-exception',
  'no-silence',
  'comes-to-an-end',
  'every-check-holds',
  'completed-there',
  'else-back-here',
  'as-it-was',
  'doubt-has-a-cause',
  'undisturbed-succeeds',
  'on-time',
  'shares-the-link',
  'replays',
] as const;
export type Law = (typeof LAWS)[number];

export interface Broken {
  readonly law: Law;
  /** What broke it, in words. */
  readonly because: string;
}

/** The law in a sentence, for a person. */
export const LAW_TEXT: Readonly<Record<Law, string>> = {
  'never-two-guests': 'never two running guests',
  'no-write-lost': 'no write is lost: at the hand-over both hosts hold the same pages',
  'no-exception': 'nothing that happens is an exception',
  'no-silence': 'a run never waits for nothing',
  'comes-to-an-end': 'a run comes to an end',
  'every-check-holds': 'every checker holds',
  'completed-there': 'completed: the guest runs on the destination, which holds the storage',
  'else-back-here': 'not completed: the guest runs on the source, which holds the storage',
  'as-it-was': "the source's devices run again, their DMA is on, no log is left on; or a warning says which is not",
  'doubt-has-a-cause': 'in doubt only where something went wrong, and it says whom to ask',
  'undisturbed-succeeds': 'with nothing wrong it completes, does not converge, or is blocked',
  'on-time': 'a timer fires and a time limit ends when it is due, also after a crash',
  'shares-the-link': 'another migration on the same link arrives, and the link never carries more than it can',
  replays: 'the journal replays to the same state, effects and report',
};

type Judge = (run: CaseRun, charts: ChartSet | undefined) => string | undefined;

const JUDGES: Readonly<Record<Law, Judge>> = {
  'never-two-guests': ({ twoGuestsAt, inspection }) => {
    if (twoGuestsAt !== undefined) return `both hosts run the guest after record ${twoGuestsAt}`;
    return inspection.sourceRuns && inspection.destinationRuns ? 'both hosts run the guest at the end' : undefined;
  },
  'no-write-lost': ({ inspection: { lost } }) =>
    lost !== undefined && lost.count > 0
      ? `${lost.count} pages differ, the first of them ${lost.firstPages.join(', ')}`
      : undefined,
  'no-exception': ({ stop }) => (stop.kind === 'threw' ? textOf(stop.error) : undefined),
  'no-silence': ({ stop }) => (stop.kind === 'silent' ? `nothing is due after ${stop.atNs / 1e6} ms` : undefined),
  'comes-to-an-end': ({ stop }) =>
    stop.kind === 'endless' ? `${stop.records} records in ${stop.atNs / 1e9} s and no end` : undefined,
  'every-check-holds': ({ report }) => {
    const broken = report.checks.find(({ held }) => !held);
    return broken === undefined ? undefined : `${broken.name}: ${broken.because ?? 'did not hold'}`;
  },
  'completed-there': (run) => {
    const { report, inspection } = run;
    const { dead, destinationRuns, devices, sourceRuns, storage } = inspection;
    if (report.outcome !== 'completed') return undefined;
    if (nobodyDecides(run)) return 'the function that decides has never said so';
    // It ran there until its host died.
    if (dead.includes('destination') && !sourceRuns) return undefined;
    if (!destinationRuns) return 'the destination does not run';
    if (sourceRuns) return 'the source runs as well';
    // One that was to be unplugged, and could not be removed, is nobody's any more, and a warning names it.
    const still = Object.entries(devices.destination).find(
      ([id, state]) => state !== 'RUNNING' && !report.warnings.some((warning) => warning.includes(id)),
    );
    if (still !== undefined && !dead.includes('destination')) return `its device ${still[0]} is in ${still[1]}`;
    return storage === 'destination' ? undefined : `the storage is held by ${storage}`;
  },
  'else-back-here': ({ report, inspection: { dead, destinationRuns, sourceRuns, storage } }) => {
    if (report.outcome === 'completed' || report.outcome === 'in-doubt') return undefined;
    // With its host the guest has died: nobody can bring it back.
    if (dead.includes('source') && !destinationRuns) return undefined;
    if (destinationRuns) return `${report.outcome}, and the destination runs`;
    if (!sourceRuns) return `${report.outcome} (${report.reason}), and the source does not run`;
    return storage === 'source' ? undefined : `${report.outcome}, and the storage is held by ${storage}`;
  },
  'as-it-was': asItWas,
  'doubt-has-a-cause': (run) => {
    if (run.report.outcome !== 'in-doubt') return undefined;
    if (!disturbed(run)) return `in doubt (${run.report.reason}) with nothing wrong`;
    return /\b(source|destination)\b/.test(run.report.reason) ? undefined : `names nobody: ${run.report.reason}`;
  },
  'undisturbed-succeeds': (run) =>
    disturbed(run) || givenUp(run) || ['completed', 'unconverged', 'blocked'].includes(run.report.outcome)
      ? undefined
      : `${run.report.outcome}: ${run.report.reason}`,
  'on-time': onTime,
  'shares-the-link': ({ neighbour }) => {
    if (neighbour === undefined) return undefined;
    const { report, lostPages, tooMuch } = neighbour;
    if (tooMuch !== undefined) return tooMuch;
    if (report === undefined) return 'the other migration does not come to an end';
    if (report.outcome !== 'completed') return `the other migration ${report.outcome}: ${report.reason}`;
    return lostPages > 0 ? `the other migration lost ${lostPages} pages` : undefined;
  },
  replays: replays,
};

/** The first law that this run broke; undefined for a legal end. `charts`: those that it was made with, if not this package's. */
export function judge(run: CaseRun, charts?: ChartSet): Broken | undefined {
  for (const law of LAWS) {
    const because = JUDGES[law](run, charts);
    if (because !== undefined) return { law, because };
  }
  return undefined;
}

/** Every function that is no policy either fails or goes on for ever; only post-copy, or another policy, could end it. */
function nobodyDecides({ one, scenario: { vmm } }: CaseRun): boolean {
  if (one.own === undefined || !isFaulty(one.own)) return false;
  return vmm.postcopy === undefined && one.branch?.change['vmm.policy'] === undefined;
}

/** By a manager that says who it is, by a rule that may give up, or by a function that does what none may. */
function givenUp({ one, report, scenario: { manager, vmm } }: CaseRun): boolean {
  const { outcome, reason } = report;
  if (one.own !== undefined && isFaulty(one.own) && outcome === 'failed') return true;
  if (outcome !== 'cancelled') return false;
  const managers = [manager.policy, one.branch?.change['manager.policy']];
  return (
    managers.some((name) => reason.startsWith(`aborted by ${name}: `)) || vmm.policy.name.startsWith('cloud-hypervisor')
  );
}

/** An operator who pauses post-copy and does not recover it is a cause, too; and a destination that cannot be in time. */
function disturbed({ struck, crashed, cancelled, records, scenario: { hosts, deadlinesMs } }: CaseRun): boolean {
  const paused = records.some((record) => record.kind === 'input' && record.event.type === 'PAUSE');
  const tooSlow = hosts.destination.resumeNs >= deadlinesMs.startDestination * 1e6;
  return struck.length > 0 || crashed || cancelled || paused || tooSlow;
}

/** Of a source that runs on. What was left behind must be told: a warning names the device, or the log. */
function asItWas({ report, inspection, model, scenario, struck, given, system }: CaseRun): string | undefined {
  if (!inspection.sourceRuns || report.outcome === 'in-doubt') return undefined;
  // A start that fails and has happened is the driver's lie: QEMU, too, stops only what it has started.
  const startLied = struck.some(({ command, done }) => command === 'startTracking' && done === true);
  const told = (name: string) => report.warnings.some((warning) => warning.includes(name));
  for (const [id, state] of Object.entries(inspection.devices.source)) {
    if (state !== 'RUNNING' && !told(id)) return `${id} was left in ${state}, and no warning says so`;
    // A reset brings back whatever the guest still has.
    const seenTo = given.some(
      ({ name, by, params }) =>
        (name === 'resetDevice' && by === `device/${id}`) ||
        (name === 'ejectDevice' && 'device' in params && params.device === id),
    );
    if (state !== 'RUNNING' && !seenTo) return `${id} was left in ${state}, and nobody has tried a reset`;
    if (model.world.dma(id).driver?.busMastering === false && !told(id)) return `${id} was left with its DMA halted`;
    if (model.world.dmaLog(id).active && !told('stopTracking') && !startLied) return `the DMA log of ${id} was left on`;
  }
  for (const { id } of asMigrated(scenario).containers) {
    if (!model.world.iommuTracks(id) || told('stopTracking') || startLied) continue;
    return `the IOMMU of container ${id} was left tracking`;
  }
  // What takes it off is on its way: the way back does not wait for it, and nobody hears of it any more.
  const onItsWay = (name: CommandName) =>
    [...(system?.pending.values() ?? [])].some((waiting) => waiting.name === name);
  if (model.world.vcpus.throttlePercent > 0 && !told('throttleVcpus') && !onItsWay('throttleVcpus'))
    return `the vCPUs were left throttled, ${model.world.vcpus.throttlePercent} %`;
  const isLimited = model.world.kvmLog.limit?.on === true;
  if (isLimited && !told('limitVcpuDirtyRate') && !onItsWay('limitVcpuDirtyRate')) return 'the dirty limit was left on';
  if (model.world.kvmLog.active && !told('stopDirtyLog'))
    return `KVM's dirty log (${scenario.vm.dirtyLog}) was left on`;
  return undefined;
}

/**
 * Nothing that is due is early or late. Of what came due while there was no orchestrator, or while the run rested, it is the
 * moment at which somebody took it up.
 */
function onTime({ recorded }: CaseRun): string | undefined {
  const dueNs = new Map<EffectId, number>();
  let takenUpNs = 0;
  for (const { record, effects } of recorded) {
    const { position, atNs } = record;
    if (isTakeUp(record)) takenUpNs = atNs;
    const answers = record.kind === 'input' ? record.answers : undefined;
    const firing = record.kind === 'input' && record.by === 'timer' ? answers : undefined;
    for (const [id, due] of dueNs) {
      const dueHereNs = Math.max(due, takenUpNs);
      if (dueHereNs < atNs || (id === firing && dueHereNs > atNs)) {
        return `what record ${id.split(':')[0]} said to be due at ${due / 1e6} ms: record ${position} is at ${atNs / 1e6} ms`;
      }
    }
    if (answers !== undefined) dueNs.delete(answers);
    for (const effect of effects) {
      if (effect.kind === 'command') dueNs.set(effect.id, effect.deadlineNs);
      if (effect.kind === 'setTimer') dueNs.set(effect.id, effect.dueNs);
      if (effect.kind === 'clearTimer' || effect.kind === 'abandon') dueNs.delete(effect.of);
    }
  }
  return undefined;
}

/** A fold of the records comes to the same charts, the same effects, and a report that differs in nothing. */
function replays({ records, report, stop, system }: CaseRun, charts: ChartSet | undefined): string | undefined {
  if (stop.kind === 'threw') return undefined;
  const projection = new ReportProjection();
  let last: Recorded | undefined;
  const see = (one: Recorded) => {
    projection.see(one);
    last = one;
  };
  const { divergence } = replay(records, see, { charts });
  if (divergence !== undefined) {
    return `record ${divergence.position}: expected ${divergence.expected}, got ${divergence.got}`;
  }
  if (last?.record.position !== system?.position) return 'the journal lacks records';
  const states = (one: System | undefined) =>
    [...(one?.charts ?? [])].map(([at, { value, context }]) => [at, value, context]);
  if (!isDeepStrictEqual(states(last?.system), states(system))) return 'the charts end otherwise';
  // The checks are not the journal's: what a model knows besides is part of them.
  const again = { ...projection.report([]), checks: [] };
  return isDeepStrictEqual(again, { ...report, checks: [] }) ? undefined : 'the report differs';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
