/** Orchestrators that come back wrong after a crash, or count an answer that nobody waits for: a runner with one method replaced. */
import { COMMANDS, type CommandClass, type CommandName } from '../../../machines/words.ts';
import type { Command, Timer } from '../../../src/core/effect.ts';
import type { EffectId, Input } from '../../../src/core/record.ts';
import type { System } from '../../../src/core/system.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { Runner } from '../../../src/run/runner.ts';
import { type Mutant, replaced, type Wrap } from './mutant.ts';
import { both, crashDuring, faultKind, has } from './where.ts';

/** What is private to a runner, as far as it is looked at here. */
interface Inside {
  readonly parts: { readonly clock: { readonly nowNs: number } };
  readonly current: System | undefined;
}

/** As if the time without an orchestrator had not been: whatever was armed comes so much later. */
function shiftsByTheOutage(arms: 'arm' | 'armDeadline', due: 'dueNs' | 'deadlineNs'): () => () => void {
  return () => {
    let outageNs = 0;
    const undo = [
      replaced(
        Runner.prototype,
        'resume',
        (sound) =>
          function (this: Inside, system: System, ...rest: unknown[]) {
            outageNs = this.parts.clock.nowNs - system.atNs;
            sound.call(this, system, ...rest);
          },
      ),
      replaced(
        Runner.prototype,
        arms,
        (sound) =>
          function (this: Inside, armed: Command | Timer) {
            const before = (armed as unknown as Record<string, number>)[due]!;
            const isOld = this.current?.pending.has(armed.id) || this.current?.timers.has(armed.id);
            sound.call(this, isOld ? { ...armed, [due]: before + outageNs } : armed);
          },
      ),
    ];
    return () => {
      for (const one of undo.reverse()) one();
    };
  };
}

/** An answer that nobody waits for is taken for one that was not asked for. */
const countsLateAnswers = () =>
  replaced(
    Runner.prototype,
    'take',
    (sound) =>
      function (this: Inside, input: Input) {
        const { answers, ...unasked } = input;
        const isWaitedFor =
          answers === undefined || this.current?.pending.has(answers) || this.current?.timers.has(answers);
        return sound.call(this, isWaitedFor ? input : unasked);
      },
  );

/** What became of a command is told twice by whoever takes the run up. */
const tellsTwice = () => {
  const takingUp = new Set<unknown>();
  const undo = [
    replaced(
      Runner.prototype,
      'resume',
      (sound) =>
        function (this: Runner, ...given: unknown[]) {
          sound.call(this, ...given);
          takingUp.add(this);
          queueMicrotask(() => takingUp.delete(this));
        },
    ),
    replaced(
      Runner.prototype,
      'deliver',
      (sound) =>
        function (this: Runner, input: Input) {
          sound.call(this, input);
          if (!takingUp.has(this) || input.by !== 'driver') return;
          const { answers, ...again } = input;
          sound.call(this, again);
        },
    ),
  ];
  return () => {
    for (const one of undo.reverse()) one();
  };
};

const COLLECTS: readonly CommandName[] = ['getDirtyLog', 'reportDirty'];

/** A command's class is looked up in a table that all share. */
function reclassed(names: readonly CommandName[], to: CommandClass): () => () => void {
  const table = COMMANDS as Record<CommandName, { class: CommandClass }>;
  return () => {
    const before = names.map((name) => [name, table[name].class] as const);
    for (const name of names) table[name].class = to;
    return () => {
      for (const [name, sound] of before) table[name].class = sound;
    };
  };
}

/**
 * A driver that lives in the orchestrator's process, as one over ioctls does: what a collect under way had read dies with it,
 * nobody knows what became of it, and the same order is new work.
 */
const diesWithTheOrchestrator: Wrap = (model) => {
  const read = new Map<EffectId, { into: PageBitmap; found: PageBitmap }[]>();
  let collecting: EffectId | undefined;
  const keeping = (sound: (...given: unknown[]) => unknown) =>
    function (this: unknown, ...given: unknown[]) {
      const nth = given.findIndex((one) => one instanceof PageBitmap);
      const into = given[nth] as PageBitmap;
      const found = new PageBitmap(into.pages);
      const report = sound.apply(this, given.with(nth, found));
      found.orInto(into);
      if (collecting !== undefined) read.set(collecting, [...(read.get(collecting) ?? []), { into, found }]);
      return report;
    };
  for (const method of ['reportDmaLog', 'reportIommu']) replaced(model.world, method, keeping);
  replaced(model.world.kvmLog, 'get', keeping);
  const renamed = new Map<EffectId, EffectId>();
  const nameOf = (id: EffectId) => renamed.get(id) ?? id;
  return {
    ...model,
    perform(command, answer) {
      collecting = command.id;
      model.perform({ ...command, id: nameOf(command.id) }, (given) => {
        read.delete(command.id);
        answer(given);
      });
      collecting = undefined;
    },
    abandon: (id) => model.abandon(nameOf(id)),
    async reconcile(pending) {
      const found = await model.reconcile(pending);
      return found.map((one) => {
        const command = pending.find(({ id }) => id === one.id);
        if (command === undefined || !COLLECTS.includes(command.name) || one.found === 'not-done') return one;
        for (const part of read.get(one.id) ?? []) part.into.clearWhere(part.found);
        read.delete(one.id);
        renamed.set(one.id, `${renamed.size + 1_000_000}:0`);
        return { id: one.id, found: 'unknown' as const };
      });
    },
  };
};

export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'arms timers later by the outage',
    breaks: 'a time limit that was over is not',
    where: has.crashWithOutage,
    plant: shiftsByTheOutage('arm', 'dueNs'),
  },
  {
    name: 'arms time limits of commands later by the outage',
    breaks: 'a command that hangs is waited for longer than was said',
    where: both(
      has.crashWithOutage,
      faultKind('hangs', 'silent', 'source-dies', 'destination-dies', 'link-down', 'slow'),
    ),
    plant: shiftsByTheOutage('armDeadline', 'deadlineNs'),
  },
  {
    name: 'asks again for what can be read once',
    breaks: 'what the first answer said is lost, and the second does not say it again',
    where: crashDuring(...COLLECTS),
    over: diesWithTheOrchestrator,
    plant: reclassed(COLLECTS, 'repeatable'),
  },
  {
    name: 'tells an answer twice when it comes back',
    breaks: 'the second one is taken for the answer to something else',
    where: has.crash,
    plant: tellsTwice,
  },
  {
    name: 'counts a late answer',
    breaks: 'the next barrier opens by an answer to an order of before',
    where: faultKind('twice', 'slow'),
    plant: countsLateAnswers,
  },
];
