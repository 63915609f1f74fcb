/**
 * Writes down what charts of the user's own do while a run is folded here, where their code can run: the page gives it back.
 * A fold that breaks ends the tape; the page's own fold finds the same record and says why.
 */
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { shadowOf } from '../../../machines/index.ts';
import type { Plan } from '../../../machines/plan.ts';
import { type Chart, createChart, type Snapshot } from '../../core/chart.ts';
import type { Address, Opened, Rec } from '../../core/record.ts';
import type { Stepper } from '../../core/step.ts';
import type { System } from '../../core/system.ts';
import { stepperFor } from '../../run/stepper.ts';
import { idOfTaken } from '../chart/graph.ts';
import type { TapeStep } from '../page-data.ts';
import { activePaths } from '../view/active.ts';
import { enteredIn } from '../view/entered.ts';
import { toldOf, withOwnCharts } from '../view/taped-charts.ts';

type Tape = Readonly<Record<Address, readonly TapeStep[]>>;

export class TapeRecorder {
  readonly #stepper: Stepper;
  #system: System | undefined;
  #steps: Record<Address, TapeStep[]> = {};
  #broken = false;

  /** `own`: the user's own machines by address. */
  constructor(opened: Opened, own: ReadonlyMap<Address, AnyStateMachine>) {
    const plan = opened.plan as Plan;
    const charts = new Map([...own].map(([address, machine]) => [address, this.#recorded(address, machine)]));
    this.#stepper = stepperFor(opened, { charts: withOwnCharts(plan, charts) });
  }

  /** Folds the next record; undefined where the user's charts had no part in it. */
  fold(record: Rec): Tape | undefined {
    if (this.#broken) return undefined;
    this.#steps = {};
    try {
      if (record.kind === 'opened') this.#system = this.#stepper.open(record.opened, record.atNs).system;
      else if (this.#system !== undefined) this.#system = this.#stepper.step(this.#system, record).system;
    } catch {
      this.#broken = true;
    }
    return Object.keys(this.#steps).length === 0 ? undefined : this.#steps;
  }

  #recorded(address: Address, machine: AnyStateMachine): Chart {
    let microsteps: (readonly AnyTransitionDefinition[])[] = [];
    const chart = createChart(address.startsWith('shadow/') ? shadowOf(machine) : machine, (taken) => {
      const own = taken.filter((one) => idOfTaken(one) !== undefined);
      if (own.length > 0) microsteps.push(own);
    });
    const keep = (
      before: Snapshot | undefined,
      { snapshot, outputs }: Pick<ReturnType<Chart['step']>, 'snapshot' | 'outputs'>,
      step: Pick<TapeStep, 'told' | 'opens' | 'taken'>,
    ) => {
      const { value, context, status } = snapshot;
      const left = before === undefined ? [] : activePaths(before);
      this.#steps[address] ??= [];
      this.#steps[address].push({
        ...{ ...step, value, context, status, outputs: [...outputs] },
        transitions: microsteps.flat().map((one) => idOfTaken(one) as string),
        entered: enteredIn(left, activePaths(snapshot), microsteps),
      });
      microsteps = [];
    };
    return {
      machine: chart.machine,
      start(input) {
        const started = chart.start(input);
        keep(undefined, started, { opens: true, told: toldOf(input), taken: true });
        return started;
      },
      step(snapshot, event) {
        const stepped = chart.step(snapshot, event);
        keep(snapshot, stepped, { told: toldOf(event), taken: stepped.taken });
        return stepped;
      },
    };
  }
}
