/**
 * A QMP log as a journal: what was seen comes back as a story, an illegal walk is named, and nobody goes on with it. The runs
 * are QEMU 7.2's own; the expected figures are taken from its events and its last query-migrate, not from the fold.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { leadsTo, STATUS_ARCS } from '../../../machines/observed.ts';
import { proveRun } from '../../../src/cli/prove-run.ts';
import type { Rec } from '../../../src/core/record.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { branch } from '../../../src/lab/branch/branch.ts';
import { importObserved } from '../../../src/lab/import/observe.ts';
import type { ObservedStory } from '../../../src/lab/import/story.ts';
import { recoverRun } from '../../../src/lab/recover-modelled.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';

interface QemuEvent {
  readonly event: string;
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
  readonly data?: { readonly status?: string; readonly pass?: number };
}
interface QemuRun {
  readonly src_events: readonly QemuEvent[];
  readonly dst_events: readonly QemuEvent[];
  readonly final: {
    readonly downtime: number;
    readonly 'total-time': number;
    readonly ram: { readonly transferred: number };
  };
}
const FIXTURE = new URL('../../fixtures/qemu-7.2-runs.json', import.meta.url);
const RUNS = Object.entries(
  (JSON.parse(readFileSync(FIXTURE, 'utf8')) as { readonly runs: Readonly<Record<string, QemuRun>> }).runs,
);
const lines = (entries: readonly object[]) => entries.map((entry) => JSON.stringify(entry)).join('\n');
const ms = ({ timestamp }: QemuEvent) => timestamp.seconds * 1e3 + timestamp.microseconds / 1e3;

async function storyOf(source: string, destination?: string): Promise<ObservedStory> {
  const { records, run } = imported(source, destination);
  const proof = await proveRun(records, run, { reRun: false, allowDrift: false });
  expect(proof.divergence).toBeUndefined();
  if (proof.story === undefined) throw new Error('no story');
  return proof.story;
}

function imported(source: string, destination?: string) {
  const journal = new MemoryJournal();
  const there = destination === undefined ? undefined : { name: 'there.log', text: destination };
  const { run } = importObserved({ source: { name: 'here.log', text: source }, destination: there }, journal);
  return { journal, run, records: [...journal.read(run)] as Rec[] };
}

let clockMs = 0;
const at = (event: string, data?: object, byMs = 10) => {
  clockMs += byMs;
  return { event, timestamp: { seconds: 1000, microseconds: clockMs * 1000 }, ...(data === undefined ? {} : { data }) };
};
const status = (name: string) => at('MIGRATION', { status: name });

describe.each(RUNS)('a real run, %s', (_, { src_events, dst_events, final }) => {
  test('statuses, passes, bytes and the downtime are QEMU’s own', async () => {
    const story = await storyOf(lines([...src_events, { return: { ...final } }]), lines(dst_events));
    const said = src_events.filter(({ event }) => event === 'MIGRATION').map(({ data }) => data?.status);
    expect(story.statuses.map((one) => one.status)).toEqual(['none', ...said].slice(-story.statuses.length));
    expect(story.passes.map(({ pass }) => pass)).toEqual(
      src_events.filter(({ event }) => event === 'MIGRATION_PASS').map(({ data }) => data?.pass),
    );
    const stop = src_events.find(({ event }) => event === 'STOP');
    const resume = dst_events.find(({ event }) => event === 'RESUME');
    expect(story.downtimeMs).toBeCloseTo(ms(resume as QemuEvent) - ms(stop as QemuEvent), 2);
    expect(story.vmmDowntimeMs).toBe(final.downtime);
    expect(story.totalMs).toBe(final['total-time']);
    expect(story.transferredBytes).toBe(final.ram.transferred);
    expect(story.warnings).toEqual([]);
  });
});

describe('what was seen', () => {
  test('by polls alone: statuses that none has seen are told as such, and nothing is made up', async () => {
    const ram = { total: 2 ** 30, remaining: 2 ** 20, transferred: 2 ** 29, 'dirty-sync-count': 2 };
    const polls = [
      { status: 'active', 'total-time': 100, ram },
      { status: 'active', 'total-time': 350, ram: { ...ram, remaining: 5 } },
      { status: 'completed', 'total-time': 900, downtime: 12, ram },
    ];
    const story = await storyOf(
      lines([...polls.map((reply) => ({ return: reply })), { return: { status: 'running', running: true } }]),
    );
    expect(story.statuses).toEqual([
      { atMs: 0, status: 'active' },
      { atMs: 800, status: 'completed' },
    ]);
    expect(story.warnings[0]).toMatch(/status none to active: what was between, no poll has seen/);
    expect(story).toMatchObject({ downtimeMs: null, stoppedAtMs: null, vmmDowntimeMs: 12, totalMs: 900, passes: [] });
  });

  test('an illegal walk is named, and believed', async () => {
    const story = await storyOf(lines(['setup', 'active', 'cancelling', 'completed'].map(status)));
    expect(story.statuses.at(-1)?.status).toBe('completed');
    expect(story.warnings).toEqual([
      expect.stringContaining(
        'illegal walk: status cancelling to completed, and QEMU goes from cancelling to cancelled only',
      ),
    ]);
  });

  test('a pass that is missing is told', async () => {
    const log = [
      status('setup'),
      status('active'),
      at('MIGRATION_PASS', { pass: 1 }),
      at('MIGRATION_PASS', { pass: 4 }),
    ];
    expect((await storyOf(lines(log))).warnings).toEqual([expect.stringContaining('pass 4 came after pass 1')]);
  });

  test('a cancel in pre-switchover: the guest resumes where it was', async () => {
    const log = [
      status('setup'),
      status('active'),
      at('STOP'),
      status('pre-switchover'),
      status('cancelling'),
      at('RESUME'),
      status('cancelled'),
    ];
    const story = await storyOf(lines(log));
    expect(story).toMatchObject({ downtimeMs: 30, resumedOn: 'source', warnings: [] });
  });

  // QEMU, migration/migration.c: what each migrate_set_state can find, transcribed from there and not from the chart.
  test.each([
    ['setup', 'postcopy-active', 'skipped'],
    ['completed', 'active', 'illegal'],
    ['postcopy-active', 'active', 'illegal'],
    ['failing', 'completed', 'illegal'],
    ['device', 'postcopy-device', 'legal'],
    ['postcopy-paused', 'postcopy-recover-setup', 'legal'],
  ] as const)('%s to %s: %s', (from, to, walk) => {
    const arcs: readonly string[] = STATUS_ARCS[from];
    expect(arcs.includes(to)).toBe(walk === 'legal');
    if (walk === 'skipped') expect(leadsTo(from, to)).toBe(true);
  });
});

describe('read-only', () => {
  const { journal, run, records } = imported(lines([status('setup'), status('active'), status('completed')]));

  test('cannot be made again, branched or recovered, and says why', async () => {
    const why = /imported from a log of QMP and is read-only.*for a what-if make a scenario/;
    await expect(proveRun(records, run, { reRun: true, allowDrift: false })).rejects.toThrow(why);
    expect(() => branch(journal, { at: 1 })).toThrow(why);
    await expect(recoverRun(journal, run)).rejects.toThrow(why);
  });

  test('a record that was changed is found', async () => {
    const changed = records.map((one) =>
      one.kind === 'input' && one.position === 2 ? { ...one, event: { ...one.event, status: 'failed' } } : one,
    );
    const proof = await proveRun(changed, run, { reRun: false, allowDrift: false });
    expect(proof.divergence?.position).toBe(2);
  });
});

describe('a log that cannot be read', () => {
  test.each<readonly [string, string, RegExp]>([
    ['no JSON', '{"event": "MIGR', /^here\.log:1: expected a JSON object a line/],
    ['no migration in it', lines([at('SHUTDOWN')]), /^here\.log: expected at least one MIGRATION event/],
    [
      'a status that is none',
      lines([status('setup'), status('flying')]),
      /^here\.log:2: data\.status: expected one of none, setup/,
    ],
    ['no time', lines([{ event: 'MIGRATION', data: { status: 'setup' } }]), /^here\.log:1: timestamp: expected/],
    ['a pass that is none', lines([status('setup'), at('MIGRATION_PASS', { pass: 0 })]), /^here\.log:2: data\.pass/],
    [
      'memory without figures',
      lines([{ return: { status: 'active', 'total-time': 1, ram: { total: 1 } } }]),
      /^here\.log:1: return\.ram\.remaining/,
    ],
  ])('%s', (_, text, message) => {
    expect(() => imported(text)).toThrow(ScenarioError);
    expect(() => imported(text)).toThrow(message);
  });
});
