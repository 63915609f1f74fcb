/**
 * Not sampled but all: for small scenarios, a fault of each kind at every command, each errno that a command may fail with, a
 * cancel at every record, a crash at every record with its effects sent and unsent, every order out of place at every record;
 * each alone, and for the scenarios that are marked so each pair of them. Two cancels are one, and a second crash of the same
 * run is left out.
 *
 * The positions are those of the run as it goes by itself, which may be a run that is cancelled, paused or left in doubt: what
 * follows from that is then disturbed at every step. A case is a number: first the singles, then the pairs in a fixed order,
 * so that workers can share them.
 */

import type { CommandName, Errno } from '../../../machines/words.ts';
import type { Effect } from '../../core/effect.ts';
import { errnosOf } from '../../drivers/errnos.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Crash, FaultInput, Order } from './case.ts';
import type { Drawn } from './draw/case.ts';
import { EXHAUSTIVE_SUBJECTS, type ExhaustiveSubject } from './exhaustive-subjects.ts';
import { runCase } from './run-case.ts';
import { commandsIn } from './struck.ts';

/** ms of a world without its orchestrator: long enough for everything under way to be done; this project's own. */
const DEAD_MS = 20_000;

/** One thing that goes wrong. */
export interface Disturbance {
  readonly faults?: readonly FaultInput[];
  readonly cancelAt?: { readonly record: number };
  readonly crash?: Crash;
  readonly orders?: readonly Order[];
}

interface Subject extends ExhaustiveSubject {
  readonly singles: readonly Disturbance[];
  readonly paired: readonly (readonly [number, number])[];
}

const subjects = new Map<string, Promise<Subject>>();

/** How many cases there are: all alone, and all with the pairs. */
export async function exhaustiveCount(name: string): Promise<{ readonly singles: number; readonly pairs: number }> {
  const { singles, paired } = await subjectOf(name);
  return { singles: singles.length, pairs: paired.length };
}

/** The nth case from 0, singles first. Throws a RangeError beyond the last. */
export async function exhaustiveCase(name: string, nth: number): Promise<Drawn> {
  const { input, by = {}, singles, paired } = await subjectOf(name);
  const indices = nth < singles.length ? [nth] : paired[nth - singles.length];
  if (indices === undefined) throw new RangeError(`${name} has no case ${nth}`);
  const chosen = indices.map((index) => singles[index] as Disturbance);
  const faults = [...(input.faults ?? []), ...chosen.flatMap((one) => one.faults ?? [])];
  const orders = [...(by.orders ?? []), ...chosen.flatMap((one) => one.orders ?? [])];
  const cancelAt = chosen.find((one) => one.cancelAt !== undefined)?.cancelAt;
  const crash = chosen.find((one) => one.crash !== undefined)?.crash;
  const disturbed = {
    ...input,
    ...(faults.length === 0 ? {} : { faults }),
    ...(cancelAt === undefined ? {} : { cancelAt }),
  };
  const one = {
    ...by,
    seed: nth,
    input: disturbed,
    ...(crash === undefined ? {} : { crash }),
    ...(orders.length === 0 ? {} : { orders }),
  };
  return { one, scenario: scenarioFrom(disturbed), redraws: 0 };
}

function subjectOf(name: string): Promise<Subject> {
  const known = subjects.get(name);
  if (known !== undefined) return known;
  const subject = EXHAUSTIVE_SUBJECTS[name];
  if (subject === undefined) throw new RangeError(`no subject ${name}`);
  const made = makeSubject(subject);
  subjects.set(name, made);
  return made;
}

async function makeSubject(subject: ExhaustiveSubject): Promise<Subject> {
  const { input, by, begins, overtaken, pairs } = subject;
  const { recorded } = await runCase({ ...by, seed: 1, input }, scenarioFrom(input));
  const start = recorded.find(({ effects }) => begins === undefined || gives(effects, begins))?.record.position ?? 0;
  const counted = new Map<CommandName, number>();
  // A user's own function is asked beside the driver, which can do nothing about its answer.
  const performed = commandsIn(recorded).filter(({ name }) => name !== 'decide');
  const faults = performed.flatMap(({ name, id }) => {
    const nth = (counted.get(name) ?? 0) + 1;
    counted.set(name, nth);
    return Number(id.split(':')[0]) < start ? [] : faultsAt({ command: name, nth });
  });
  // A run that has ended is not cancelled, and nobody is left to die.
  const before = recorded.slice(0, -1).flatMap(({ record: { position } }) => (position < start ? [] : [position]));
  const disturbances: readonly Disturbance[] = [
    ...faults.map((fault) => ({ faults: [fault] })),
    // Before the order to migrate, which is record 1, there is nothing to cancel.
    ...before.filter((record) => record > 0).map((record) => ({ cancelAt: { record } })),
    ...before.flatMap((after) =>
      (['sent', 'unsent'] as const).map((effects) => ({ crash: { after, effects, deadMs: DEAD_MS } })),
    ),
  ];
  const errnos = [...counted.keys()]
    .flatMap((name) => errnosAt(name, overtaken === true))
    .map((fault) => ({ faults: [fault] }));
  if (overtaken) return { ...subject, singles: [...[...counted.keys()].flatMap(overtakenAt), ...errnos], paired: [] };
  const orders = before.map((after) => ({ orders: OUT_OF_PLACE.map((order) => ({ order, after })) }));
  return {
    ...subject,
    singles: [...disturbances, ...errnos, ...orders],
    paired: pairs ? pairsOf(disturbances) : [],
  };
}

function gives(effects: readonly Effect[], name: CommandName): boolean {
  return effects.some((effect) => effect.kind === 'command' && effect.name === name);
}

/** So long that an answer which nobody waits for comes in the middle of the way back. */
const LONG_WAY_BACK: readonly FaultInput[] = [
  { command: 'quitDestination', slowBy: '8s' },
  { command: 'stopDirtyLog', slowBy: '8s' },
];

/** The command is on its way when the cancel comes, and is answered later, or never; before the way back is over, or after. */
function overtakenAt(command: CommandName): readonly Disturbance[] {
  const orders = [{ order: 'CANCEL' as const, after: { command, nth: 1 } }];
  const answers: readonly FaultInput[] = [
    { command, slowBy: '3s' },
    { command, hangs: true },
  ];
  return answers.flatMap((answer) => [
    { faults: [answer], orders },
    { faults: [answer, ...LONG_WAY_BACK.filter((one) => one.command !== command)], orders },
  ]);
}

/** Orders that say nothing new wherever they come, but in one place. */
const OUT_OF_PLACE = ['CONTINUE', 'MIGRATE', 'START_POSTCOPY', 'RECOVER', 'PAUSE'] as const;

/** Each way in which the first command of this name may fail; not the one that stands for them above, unless it does not. */
function errnosAt(command: CommandName, all: boolean): readonly FaultInput[] {
  return errnosOf(command).flatMap((fails) =>
    !all && fails === failureOf(command) ? [] : [{ command, nth: 1, fails }],
  );
}

/** Every kind of fault that this command can have. */
function faultsAt(at: { readonly command: CommandName; readonly nth: number }): readonly FaultInput[] {
  const fails = failureOf(at.command);
  const kinds: FaultInput[] = [
    { ...at, fails },
    { ...at, fails, done: true },
    { ...at, hangs: true },
    { ...at, silent: true },
    { ...at, slowBy: '45s' },
    { ...at, twice: true },
  ];
  if (at.command === 'setDeviceState') kinds.push({ ...at, fails, restsIn: 'ERROR' });
  return kinds;
}

/** EIO where a command may fail with it. */
function failureOf(command: CommandName): Errno {
  const errnos = errnosOf(command);
  return errnos.find((errno) => errno === 'EIO') ?? (errnos[0] as Errno);
}

function pairsOf(singles: readonly Disturbance[]): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  const cancels = (nth: number) => singles[nth]?.cancelAt !== undefined;
  const crashes = (nth: number) => singles[nth]?.crash !== undefined;
  for (let i = 0; i < singles.length; i++) {
    for (let j = i + 1; j < singles.length; j++) {
      if (!(cancels(i) && cancels(j)) && !(crashes(i) && crashes(j))) pairs.push([i, j]);
    }
  }
  return pairs;
}
