/** Charts of the user's own in the page: what the tape gives back is what the charts themselves do, from anywhere in the run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { noProgress, noProgressPolicy } from '../../../machines/convergence/no-progress.ts';
import { nova } from '../../../machines/convergence/nova.ts';
import { qemu, qemuPolicy } from '../../../machines/convergence/qemu.ts';
import { managers, shadowOf } from '../../../machines/index.ts';
import type { Plan } from '../../../machines/plan.ts';
import { createChart, type WatchTransitions } from '../../../src/core/chart.ts';
import type { Rec } from '../../../src/core/record.ts';
import type { TapeStep } from '../../../src/inspector/page-data.ts';
import type { JournalRun } from '../../../src/inspector/server/shown-run.ts';
import type { LiveFeed } from '../../../src/inspector/server/workbench.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import type { Instant } from '../../../src/inspector/view/instant.ts';
import { type Tapes, withOwnCharts } from '../../../src/inspector/view/taped-charts.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { emptyExhibition } from './served.ts';

const OWN = new Map<string, AnyStateMachine>([
  ['policy', noProgress],
  ['manager', nova],
  ['shadow/0', qemu],
]);

/** A manager, a policy and a shadow of somebody's own, each the package's chart under another name. */
const { journal, opened } = rehearse(
  smallScenario({
    vmm: { downtimeLimit: '5ms' },
    rest: { manager: { policy: 'nova', poll: '50ms' }, giveUpAfter: '3s' },
  }),
  {
    policy: { machine: noProgress, defaults: noProgressPolicy.defaults, name: 'mine' },
    shadows: [{ machine: qemu, defaults: qemuPolicy.defaults, name: 'watcher' }],
  },
);
const records: readonly Rec[] = [...journal.read(opened.run)];
// Of the manager there is a name in the plan; the tape does not mind whose it is.
const lookAt = () => ({ fingerprint: undefined, own: OWN });
const exhibition = emptyExhibition({ ...emptyExhibition().workbench, lookAt });
exhibition.addJournal(journal, 'runs.db', journal.runs());
const [run] = exhibition.runs as readonly [JournalRun];

/** The charts themselves, told of like the tape. */
const real = new FoldedRun({
  tapes: {
    charts(plan: Plan, _: unknown, watch: WatchTransitions) {
      const charts = [...OWN].map(([address, machine]) => {
        return [address, createChart(address === 'shadow/0' ? shadowOf(machine) : machine, watch)] as const;
      });
      return withOwnCharts(plan, new Map(charts), watch);
    },
  } as unknown as Tapes,
});
real.append(records);
real.fold(records.length);

const lines = [...run.lines(0)];
const engine = new Engine();
engine.open(run.header());
engine.append(run.id, lines);
engine.fold(run.id, records.length);

/** Pictures aside: the user's own are named so. */
const plain = ({ charts, ...instant }: Instant) => ({
  ...instant,
  charts: charts.map(({ picture: _, ...chart }) => chart),
});

test('the run is one that shows something: each of its own charts was told things and took them', () => {
  expect(Object.keys(managers)).toContain('nova');
  expect(real.broken).toBeUndefined();
  expect(records.length).toBeGreaterThan(50);
  for (const address of OWN.keys()) {
    const told = real.between(0, records.length).flatMap((one) => one.told.filter(({ to }) => to === address));
    expect(told.length, address).toBeGreaterThan(2);
    expect(
      told.some(({ transitions }) => transitions.length > 0),
      address,
    ).toBe(true);
  }
});

test('every instant of the page is the one that the charts themselves come to, whatever was asked before', () => {
  expect(engine.course(run.id)).toMatchObject({ known: records.length, folded: records.length });
  expect(engine.course(run.id).broken).toBeUndefined();
  const positions = [...records.keys()];
  // Back and forth, so that most of them are folded from a checkpoint.
  const jumps = positions.map((position) => (position * 37) % records.length).filter((_, nth) => nth % 3 === 0);
  for (const position of jumps) {
    const shown = engine.at(run.id, position);
    expect(shown && plain(shown), `record ${position}`).toEqual(plain(real.at(position)));
  }
  for (const address of OWN.keys()) {
    expect(engine.visits(run.id, address, records.length)).toEqual(real.visits.of(address, records.length));
  }
});

test('its pictures are there, and named as the page asks for them', async () => {
  expect(run.header().tapes).toEqual({
    policy: 'own/convergence-no-progress',
    manager: 'own/manager-nova',
    'shadow/0': 'own/convergence-qemu',
  });
  const shown = engine.at(run.id, records.length - 1)?.charts ?? [];
  const names = shown.filter(({ address }) => OWN.has(address)).map(({ picture }) => picture);
  expect(names).toEqual(expect.arrayContaining(['own/manager-nova']));
  for (const name of names) expect(exhibition.gallery.headers().map((one) => one.name)).toContain(name);
});

test('lines from a later position on have the steps of their own records, and no others', () => {
  const from = Math.floor(records.length / 2);
  const later = [...run.lines(from)];
  expect(lines.slice(-later.length)).toEqual(later);
  expect(later.filter((line) => line.startsWith('{"position":'))).toHaveLength(records.length - from);
});

test('a live run has the same lines, each as soon as its record is there', () => {
  const live = emptyExhibition({ ...exhibition.workbench, lookAt });
  let tell: (record: Rec) => void = () => {};
  const follow: LiveFeed['follow'] = ({ record }) => {
    tell = record;
  };
  const watched = live.addLive({ run: opened.run, source: 'small', journal, nowNs: 0, follow });
  const half = Math.floor(records.length / 2);
  for (const record of records.slice(0, half)) tell(record);
  const soFar = [...watched.lines(0)];
  for (const record of records.slice(half)) tell(record);
  expect(watched.header().tapes).toEqual(run.header().tapes);
  expect([...soFar, ...watched.lines(half)]).toEqual(lines);
});

test('what is not on the tape ends the fold with a sentence', () => {
  const cut = lines.filter((line) => !line.startsWith('{"tape":') || !/"opens":true/.test(line));
  const blind = new Engine();
  blind.open(run.header());
  blind.append(run.id, cut);
  blind.fold(run.id, records.length);
  expect(blind.course(run.id).broken?.because).toMatch(/^what \S+ did when it was opened was not written down$/);
  const tape = JSON.parse(lines.find((line) => line.startsWith('{"tape":')) ?? '') as {
    tape: Record<string, TapeStep[]>;
  };
  expect(Object.keys(tape.tape).every((address) => OWN.has(address))).toBe(true);
});

test("a chart in a user's file: it is shown while the file is there, and its records are when it is gone", () => {
  const folder = mkdtempSync(join(tmpdir(), 'inspector-own-'));
  const file = join(folder, 'thrice.mjs');
  writeFileSync(
    file,
    `import { assign, setup } from '${import.meta.resolve('xstate')}';
const tell = Object.assign(() => {}, { route: { kind: 'message', to: ['pre-copy'], type: 'VERDICT' } });
const say = (verdict) => ({ type: 'tell', params: ({ context }) => ({ verdict, because: { asked: context.asked } }) });
const count = assign({ asked: ({ context }) => context.asked + 1 });
export const policy = setup({ actions: { tell, count }, guards: { isThird: ({ context }) => context.asked >= 3 } }).createMachine({
  id: 'thrice',
  context: { asked: 0 },
  initial: 'watching',
  on: { ASSESS: { target: '.judging', actions: 'count' } },
  states: {
    watching: {},
    judging: { always: [{ guard: 'isThird', target: 'enough' }, { target: 'more' }] },
    more: { entry: say('continue') },
    enough: { entry: say('switchover') },
  },
});`,
  );
  const made = rehearse(smallScenario({ vmm: { downtimeLimit: '1ms', policy: { file } as never } }));
  const shown = () => {
    const fresh = emptyExhibition();
    fresh.addJournal(made.journal, 'runs.db', made.journal.runs());
    const own = new Engine();
    const [one] = fresh.runs as readonly [JournalRun];
    own.open(one.header());
    own.append('0', [...one.lines(0)]);
    own.fold('0', 1e6);
    return { header: one.header(), course: own.course('0'), policy: own.visits('0', 'policy', 1e6).states };
  };
  const before = shown();
  expect(before.header).toEqual(expect.objectContaining({ tapes: { policy: 'own/thrice' } }));
  expect(before.header).not.toHaveProperty('drift');
  expect(before.course).toMatchObject({ known: before.header.records, folded: before.header.records });
  expect(before.policy).toMatchObject({ judging: 3, more: 2, enough: 1 });
  rmSync(folder, { recursive: true });
  const after = shown();
  expect(after.header.damage).toMatch(/^its charts cannot be shown, only its records: policy thrice: .*no such file$/);
  expect(after.header.noBranch).toBe(after.header.damage);
  expect(after.course).toMatchObject({ known: before.header.records, folded: 0, broken: { position: 0 } });
});
