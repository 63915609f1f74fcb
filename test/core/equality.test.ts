/**
 * The fast stepper, XState's own pure functions and a live actor agree on every chart, whatever it is told. Only the first one
 * touches XState's internals, so an upgrade that breaks it is found here.
 *
 * Events are drawn among those that the present state can take. That only proves something where transitions are taken, so
 * taking fewer than 95 % of a chart's transitions is a failure of its own. (With ten times as many runs every chart takes all of
 * its transitions: none is out of reach.)
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  getNextTransitions,
} from 'xstate';
import { machines } from '../../machines/index.ts';
import type { OutputRoute } from '../../machines/messages.ts';
import type { CommandName } from '../../machines/words.ts';
import { type Chart, createChart } from '../../src/core/chart.ts';
import type { RecordedEvent } from '../../src/core/record.ts';
import { createRandom } from '../../src/hardware/random.ts';
import { Coverage } from './coverage.ts';
import { Draw, dataOf, typesFor } from './event-table.ts';
import { SUBJECTS, type Subject } from './subjects.ts';
import { ThreeWays } from './three-ways.ts';

const SEED = 20_240_611;
const COVERAGE_MIN_PERCENT = 95;
const TRIES_MAX = 24;
const SENDERS = ['migration', 'pre-copy', 'stop-and-copy', 'roll-back', 'operator'];

test('every chart of the gallery is a subject', () => {
  expect(SUBJECTS.map(({ name }) => name).sort()).toEqual(Object.keys(machines).sort());
});

describe.each(SUBJECTS)('$name', (subject) => {
  const machine = machines[subject.name] as AnyStateMachine;
  const coverage = new Coverage(machine);

  test('steps alike three ways', () => {
    const fast = createChart(machine);
    const salt = fc.noBias(fc.nat());
    const salts = fc.noBias(fc.array(salt, { minLength: 1, maxLength: subject.eventsMax, size: 'max' }));
    const alike = fc.property(salt, salts, (inputSalt, eventSalts) => {
      run(subject, machine, fast, inputSalt, eventSalts, coverage);
    });
    fc.assert(alike, { seed: SEED, numRuns: subject.runs });
  });

  test('takes its transitions', () => {
    const why = `not taken: ${coverage.missing().join('; ')}`;
    expect(coverage.percent(), why).toBeGreaterThanOrEqual(COVERAGE_MIN_PERCENT);
  });
});

describe('a fast stepper that goes wrong is found out', () => {
  const [subject] = SUBJECTS as readonly [Subject];
  const machine = machines[subject.name] as AnyStateMachine;
  const wrong: Readonly<Record<string, (stepped: ReturnType<Chart['step']>) => ReturnType<Chart['step']>>> = {
    "the fast stepper's migration: outputs": (stepped) => ({ ...stepped, outputs: stepped.outputs.slice(1) }),
    "the fast stepper's migration: taken": (stepped) => ({ ...stepped, taken: !stepped.taken }),
    "the fast stepper's migration: context": ({ snapshot, ...rest }) => {
      const context = { ...snapshot.context, reason: 'another' };
      return { ...rest, snapshot: { ...snapshot, context } as AnyMachineSnapshot };
    },
  };
  test.each(Object.entries(wrong))('%s', (message, spoil) => {
    const chart = createChart(machine);
    const spoilt: Chart = { ...chart, step: (snapshot, event) => spoil(chart.step(snapshot, event)) };
    const three = new ThreeWays(machine, spoilt, subject.input(new Draw(createRandom(1, 'input'))), () => {});
    expect(() => three.send({ type: 'MIGRATE', from: 'operator', atNs: 0 })).toThrow(message);
  });
});

test('a stepper that has started nothing goes on from any snapshot', () => {
  for (const subject of SUBJECTS) {
    const machine = machines[subject.name] as AnyStateMachine;
    const used = createChart(machine);
    let { snapshot } = used.start(subject.input(new Draw(createRandom(SEED, 'input'))));
    for (let step = 0; step < 20 && snapshot.status === 'active'; step++) {
      const event = eventFor(subject, machine, snapshot, new Draw(createRandom(step, 'event')), 0);
      const before = snapshot;
      const stepped = used.step(before, event);
      const outputs = [...stepped.outputs];
      const fresh = createChart(machine).step(before, event);
      expect([fresh.snapshot.value, fresh.snapshot.context, fresh.outputs, fresh.taken]).toStrictEqual([
        stepped.snapshot.value,
        stepped.snapshot.context,
        outputs,
        stepped.taken,
      ]);
      snapshot = stepped.snapshot;
    }
  }
});

function run(
  subject: Subject,
  machine: AnyStateMachine,
  fast: Chart,
  salt: number,
  salts: readonly number[],
  coverage: Coverage,
): void {
  const input = subject.input(new Draw(createRandom(salt, 'input')));
  const three = new ThreeWays(machine, fast, input, (transitions) => coverage.take(transitions));
  for (const [index, eventSalt] of salts.entries()) {
    if (three.done) break;
    const draw = new Draw(createRandom(eventSalt, `event ${index}`));
    const nextNs = three.clock.nowNs + 1_000_000;
    const dueNs = three.armed[0]?.dueNs;
    if (dueNs !== undefined && (dueNs <= nextNs || draw.chance(10))) {
      three.fire();
    } else {
      three.clock.runUntil(nextNs);
      three.send(eventFor(subject, machine, three.stock, draw, nextNs));
    }
  }
  three.stop();
}

/** An event for this state: mostly one that a transition of it takes, its data such that it does. */
function eventFor(
  subject: Subject,
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  draw: Draw,
  atNs: number,
): RecordedEvent {
  const types = typesOf(subject, machine);
  const make = (type: string): RecordedEvent => ({
    type,
    ...dataOf(subject.kind, type, draw, snapshot.context),
    from: senderOf(type, draw, snapshot.context),
    atNs,
  });
  const wanted = draw.chance(95) ? wantedTransition(snapshot, draw) : undefined;
  const matching = wanted === undefined ? types : types.filter((type) => matches(type, String(wanted.eventType)));
  let event = make(draw.one(matching));
  for (let tries = 1; tries < TRIES_MAX && wanted !== undefined; tries++) {
    if (machine.getTransitionData(snapshot, event)?.includes(wanted)) break;
    event = make(draw.one(matching));
  }
  return event;
}

const WAYS_OUT = /FAILED|CANCEL|ABANDON|HALT$/;

/** Leans towards the innermost state, the first of several guarded transitions, and away from what ends it: so a chart gets far. */
function wantedTransition(snapshot: AnyMachineSnapshot, draw: Draw): AnyTransitionDefinition | undefined {
  const candidates = getNextTransitions(snapshot).filter(
    ({ eventType }) => eventType !== '' && !String(eventType).startsWith('xstate.'),
  );
  const innermost = candidates.filter(({ source }) => source === candidates[0]?.source);
  const chosen = draw.chance(75) ? innermost : candidates;
  if (chosen.length === 0) return undefined;
  const leadsOn = (one: AnyTransitionDefinition) =>
    one.source.transitions.get(one.eventType)?.[0] === one && !WAYS_OUT.test(String(one.eventType));
  return draw.weighted(chosen.map((one) => [one, leadsOn(one) ? 4 : 1] as const));
}

function senderOf(type: string, draw: Draw, context: Readonly<Record<string, unknown>>): string {
  if (!type.startsWith('TRACKING_')) return draw.one(SENDERS);
  const waitingFor = context.waitingFor as readonly string[];
  return waitingFor.length > 0 && draw.chance(80) ? draw.one(waitingFor) : draw.one(['tracking/0', 'tracking/1']);
}

/** XState's event descriptors: a type, `*`, or `PREFIX.*`. */
function matches(type: string, descriptor: string): boolean {
  if (descriptor === '*' || descriptor === type) return true;
  return descriptor.endsWith('.*') && type.startsWith(descriptor.slice(0, -1));
}

const known = new Map<AnyStateMachine, readonly string[]>();

function typesOf(subject: Subject, machine: AnyStateMachine): readonly string[] {
  let types = known.get(machine);
  if (types === undefined) known.set(machine, (types = typesFor(subject.kind, commandsOf(machine))));
  return types;
}

function commandsOf(machine: AnyStateMachine): readonly CommandName[] {
  return Object.values(machine.implementations.actions).flatMap((action) => {
    const { route } = action as { route?: OutputRoute };
    return route?.kind === 'command' ? [route.name] : [];
  });
}
