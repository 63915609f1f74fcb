/**
 * Who tells whom is static, so it is checked without running anything: whatever a chart may tell, ask, open or close is there
 * to be told, answered, opened or closed; and everything a drawing has to show has a name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { chartsFor, machines, managers, policies, shadowOf } from '../../machines/index.ts';
import type { Kind, OutputRoute } from '../../machines/messages.ts';
import { configOf, nameOf } from './chart-config.ts';
import { MESSAGES } from './event-table.ts';

/** Every chart that may stand at an address, with its kind: the fixed ones, and each policy. */
const CHARTS: readonly (readonly [Kind, AnyStateMachine])[] = [
  ...(Object.entries(chartsFor('qemu')) as [Kind, AnyStateMachine][]).filter(([kind]) => kind !== 'policy'),
  ['observed', machines.observed as AnyStateMachine],
  ...Object.values(policies).map(({ machine }) => ['policy', machine] as const),
  ...Object.values(managers).map(({ machine }) => ['manager', machine] as const),
];
const NAMED = CHARTS.map(([kind, machine]) => ({ kind, machine, name: machine.id }));

/** Messages that no chart sends. An operator says them, or a driver that was not asked. */
const FROM_OUTSIDE: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  migration: ['BRANCHED', 'CONTINUE', 'DESTINATION_FENCED', 'MIGRATE', 'PAUSE', 'RECOVER', 'SOURCE_FENCED', 'TAKE_UP'],
  observed: ['PASS_SEEN', 'POLL_SEEN', 'RESUME_SEEN', 'STATUS_SEEN', 'STOP_SEEN'],
  'pre-copy': ['SWITCHOVER_ACKED'],
  'hot-plug': ['PLUG', 'UNPLUG'],
};

/** Messages that an operator says as well as a chart. */
const FROM_BOTH: Readonly<Partial<Record<Kind, readonly string[]>>> = { migration: ['CANCEL', 'START_POSTCOPY'] };

/** Messages that come with an answer's type, which other receivers of that answer need and this one does not. */
const NEVER_ASKED: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  migration: ['BITMAP_SYNCED', 'SYNC_FAILED'],
  'roll-back': ['BITMAP_SYNCED', 'SYNC_FAILED'],
};

function routesOf(machine: AnyStateMachine): readonly (readonly [string, OutputRoute])[] {
  return Object.entries(machine.implementations.actions).flatMap(([name, action]) => {
    const { route } = action as { route?: OutputRoute };
    return route === undefined ? [] : [[name, route] as const];
  });
}

/** A shadow is a policy's chart that tells facts in place of verdicts; rules that throttle or cancel are none. */
const SHADOWS = Object.values(policies).map(({ machine }) => shadowOf(machine));

const routes = CHARTS.flatMap(([kind, machine]) =>
  routesOf(machine).map(([action, route]) => ({ kind, machine, action, route })),
);
const told = routes.flatMap(({ kind, action, route }) =>
  route.kind === 'message' ? route.to.map((to) => ({ from: kind, action, to, type: route.type })) : [],
);

const machinesOf = (kind: Kind) =>
  kind === 'shadow' ? SHADOWS : CHARTS.filter(([of]) => of === kind).map(([, machine]) => machine);

/** By its own name or a prefix; `*` takes anything and therefore counts for nothing here. */
function handles(machine: AnyStateMachine, type: string): boolean {
  const { events } = configOf(machine);
  return [...events].some(
    (one) => one === type || (one !== '*' && one.endsWith('*') && type.startsWith(one.slice(0, -1))),
  );
}

test('the checks below look at every chart of the gallery', () => {
  const ids = Object.values(machines).map(({ id }) => id);
  expect(NAMED.map(({ name }) => name).sort()).toEqual(ids.sort());
  expect(told.length).toBeGreaterThan(50);
});

describe('whatever is told is understood', () => {
  test.each(told)('$from tells $to $type ($action)', ({ to, type }) => {
    const receivers = machinesOf(to);
    expect(receivers).not.toEqual([]);
    for (const receiver of receivers) expect(handles(receiver, type), receiver.id).toBe(true);
  });
});

describe.each(Object.entries(MESSAGES))('whatever %s understands', (kind, inbox) => {
  const to = kind as Kind;

  test('is told by somebody, or comes from outside', () => {
    const outside = [...(FROM_OUTSIDE[to] ?? []), ...(NEVER_ASKED[to] ?? [])];
    const untold = Object.keys(inbox).filter((type) => !told.some((one) => one.to === to && one.type === type));
    expect(untold.sort()).toEqual([...outside].sort());
  });

  test('from outside is taken by some state', () => {
    for (const machine of machinesOf(to)) {
      for (const type of [...(FROM_OUTSIDE[to] ?? []), ...(FROM_BOTH[to] ?? [])])
        expect(handles(machine, type), `${machine.id} ${type}`).toBe(true);
    }
  });
});

test('every command that a chart gives, it can hear answered both ways', () => {
  const asked = routes.flatMap(({ machine, route }) =>
    route.kind === 'command' ? [{ machine, name: route.name }] : [],
  );
  const deaf = asked.flatMap(({ machine, name }) =>
    [`DONE.${name}`, `FAILED.${name}`].filter((type) => !handles(machine, type)).map((type) => `${machine.id} ${type}`),
  );
  expect(asked.length).toBeGreaterThan(20);
  expect(deaf).toEqual([]);
});

test('every kind of chart but the root is opened by somebody, and only what is opened is closed', () => {
  const opened = routes.flatMap(({ route }) => (route.kind === 'open' ? [route.chart] : []));
  const closed = routes.flatMap(({ route }) => (route.kind === 'close' ? [route.chart] : []));
  expect([...new Set([...opened, 'migration', 'observed'])].sort()).toEqual(Object.keys(MESSAGES).sort());
  expect(closed.filter((kind) => !opened.includes(kind))).toEqual([]);
});

describe.each(NAMED)('$name', ({ machine }) => {
  const config = configOf(machine);
  const { actions, guards, delays = {} } = machine.implementations;

  test('names every action, guard and delay in setup', () => {
    const unnamed = (written: readonly unknown[], known: object) =>
      written.map((one) => nameOf(one) ?? `a function: ${String(one)}`).filter((name) => !(name in known));
    expect(unnamed(config.actions, actions)).toEqual([]);
    expect(unnamed(config.guards, guards)).toEqual([]);
    expect(unnamed(config.delays, delays)).toEqual([]);
  });

  test('uses every name of its setup', () => {
    const unused = (known: object, written: readonly unknown[]) => {
      const used = new Set(written.map(nameOf));
      return Object.keys(known).filter((name) => !used.has(name));
    };
    expect(unused(actions, config.actions)).toEqual([]);
    expect(unused(guards, config.guards)).toEqual([]);
    expect(unused(delays, config.delays)).toEqual([]);
  });

  test('invokes nothing, and does nothing but assign, emit and put out', () => {
    expect(config.invoking).toEqual([]);
    expect(machine.implementations.actors).toEqual({});
    const allowed = ['xstate.assign', 'xstate.emit', 'xstate.enqueueActions'];
    const others = Object.entries(actions).flatMap(([name, action]) => {
      const { route, type } = action as { route?: OutputRoute; type?: string };
      return route !== undefined || allowed.includes(String(type)) ? [] : [`${name} is ${type ?? 'a function'}`];
    });
    expect(others).toEqual([]);
  });

  test('sets a limit on its microsteps', () => {
    expect(machine.options?.maxIterations).toBe(100);
  });
});

describe('no chart reaches for an actor, a clock or chance', () => {
  const folder = fileURLToPath(new URL('../../machines/', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const FORBIDDEN =
    /\b(?:self|system|invoke|spawn|spawnChild|stopChild|sendTo|sendParent|forwardTo|stateIn|from(?:Promise|Callback|Observable|Transition)|Date|performance|setTimeout|Promise|async|await|process)\b|Math\.random/g;

  test('the words are found where they stand, and not in comments or texts', () => {
    const source = "a({ self }); // spawn\n/* sendTo */ b('invoke', `system`); Math.random();";
    expect(codeOf(source).match(FORBIDDEN)).toEqual(['self', 'Math.random']);
    expect(files).toContain('vfio-device.ts');
  });

  test.each(files)('%s', (file) => {
    expect(codeOf(readFileSync(`${folder}${file}`, 'utf8')).match(FORBIDDEN) ?? []).toEqual([]);
  });
});

/** A source without its comments and without what stands between quotes. */
function codeOf(source: string): string {
  const parts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(parts, (part) => (part.startsWith('/') ? ' ' : "''"));
}
