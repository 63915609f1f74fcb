/**
 * kill -9, for real: a process that runs a paced migration and writes an SQLite journal is killed fifty times, spread over
 * every phase, and recovered here. Most kill themselves once a certain record is durable, so that every phase is met; the
 * others are killed from outside, whenever that comes. What was acknowledged is in the journal, and every end is legal.
 *
 * The process is the compiled package (`npm run build`; `npm test` does that first).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { recoverRun } from '../../src/lab/recover-modelled.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import { replay } from '../../src/run/replay.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { smallInput } from '../lab/small-scenario.ts';

const DIST = new URL('../../dist/src/', import.meta.url);
const KILLS = 50;
const FROM_OUTSIDE = 12;
/** Two at a time: a machine with two cores is enough. */
const LANES = 2;
/** Virtual time against wall time: the migration of 0.7 s takes a good tenth of a second, so that a kill can come midway. */
const PACE = 5;

const root = mkdtempSync(join(tmpdir(), 'switchover-kill-'));
afterAll(() => rmSync(root, { recursive: true }));

const scenarioOf = (seed: number) => scenarioFrom({ ...smallInput(), seed });

/** Says each record's position once it is durable, and ends itself after one of them if it is told to. */
const CHILD = `
const { writeSync } = await import('node:fs');
const { dist, path, scenario, factor, killAfter } = JSON.parse(process.argv[1]);
const [{ prepareRun }, { pace }, { SqliteJournal }] = await Promise.all(
  ['lab/prepare.js', 'clock/pace.js', 'journal/sqlite-journal.js'].map((file) => import(dist + file)),
);
const { runner, clock, start } = prepareRun(scenario, { journal: new SqliteJournal(path) });
runner.recorded$.subscribe(({ record }) => {
  writeSync(1, record.position + '\\n');
  if (record.position === killAfter) process.kill(process.pid, 'SIGKILL');
});
start();
await pace(clock, { factor, done: () => runner.ended });
`;

const PHASES = [
  'setup',
  'bulk',
  'rounds',
  'stop-vcpus',
  'quiesce',
  'final-sync',
  'memory',
  'device-state',
  'load',
  'resume',
] as const;
type Phase = (typeof PHASES)[number];
const SWITCHOVER = PHASES.slice(3);

/** The phase in which the run is after each record, as its announcements say; `over` once it was completed. */
function phasesOf(records: readonly Rec[]): readonly (Phase | 'over')[] {
  let phase: Phase | 'over' = 'setup';
  const phases: (Phase | 'over')[] = [];
  replay(records, ({ effects }: Recorded) => {
    for (const effect of effects) {
      if (effect.kind === 'command' && effect.name === 'sendRound')
        phase = effect.params.round === 1 ? 'bulk' : 'rounds';
      if (effect.kind !== 'fact') continue;
      if (effect.event.type === 'SWITCHOVER_PHASE_ENTERED') phase = effect.event.phase as Phase;
      if (effect.event.type === 'STATUS_CHANGED' && effect.event.status === 'completed') phase = 'over';
    }
    phases.push(phase);
  });
  return phases;
}

interface Kill {
  readonly nth: number;
  readonly seed: number;
  readonly how: { readonly itself: number } | { readonly outsideAfter: number };
}

/** Round after round over the phases, so that each has its share; and from outside, spread over the records. */
function planned(): readonly Kill[] {
  const phases = [1, 2].map((seed) => {
    const { opened, journal } = rehearse(scenarioOf(seed));
    return phasesOf([...journal.read(opened.run)]);
  });
  return Array.from({ length: KILLS }, (_, nth) => {
    const seed = 1 + (nth % 2);
    const of = phases[seed - 1] as readonly (Phase | 'over')[];
    if (nth >= KILLS - FROM_OUTSIDE) {
      return { nth, seed, how: { outsideAfter: Math.floor(((nth % FROM_OUTSIDE) / FROM_OUTSIDE) * (of.length - 2)) } };
    }
    const phase = PHASES[nth % PHASES.length] as Phase;
    const positions = [...of.keys()].filter((position) => of[position] === phase);
    return { nth, seed, how: { itself: positions[Math.floor(nth / PHASES.length) % positions.length] as number } };
  });
}

interface Killed extends Kill {
  readonly path: string;
  /** Positions that the process has said are durable: the last one. */
  readonly acknowledged: number;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function killed(kill: Kill): Promise<Killed> {
  const path = join(root, `${kill.nth}.db`);
  const killAfter = 'itself' in kill.how ? kill.how.itself : -1;
  const told = { dist: DIST.href, path, scenario: scenarioOf(kill.seed), factor: PACE, killAfter };
  // It does not live long enough for optimised code to be worth its making.
  const flags = ['--no-opt', '--input-type=module'];
  const child = spawn(process.execPath, [...flags, '-e', CHILD, JSON.stringify(told)]);
  return new Promise((resolve, reject) => {
    const text = { stdout: '', stderr: '' };
    const last = () => Number(text.stdout.slice(0, text.stdout.lastIndexOf('\n')).split('\n').at(-1) || -1);
    child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text.stdout += part;
      if ('outsideAfter' in kill.how && last() >= kill.how.outsideAfter) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (_, signal) => resolve({ ...kill, path, acknowledged: last(), signal, stderr: text.stderr }));
  });
}

/** Recovers it, and again while it rests in doubt. Where it was when it died, and what was wrong with what came of it. */
async function recovered({
  path,
  acknowledged,
  nth,
}: Killed): Promise<{ phase: Phase | 'over'; wrong: readonly string[] }> {
  const journal = new SqliteJournal(path);
  try {
    const [run] = journal.runs().map((summary) => summary.run);
    if (run === undefined) return { phase: 'setup', wrong: acknowledged >= 0 ? [`kill ${nth}: no run is there`] : [] };
    const records = [...journal.read(run)];
    const wrong: string[] = [];
    if (records.length <= acknowledged)
      wrong.push(`record ${acknowledged} was acknowledged, and ${records.length} are there`);
    let done = await recoverRun(journal, run, { strict: true });
    for (let again = 0; done.is === 'rests' && again < 5; again++)
      done = await recoverRun(journal, run, { strict: true });
    const { report } = done;
    if (done.is !== 'ended') wrong.push(`it ${done.is} (${report.outcome}: ${report.reason})`);
    wrong.push(...report.checks.filter(({ held }) => !held).map(({ name, because }) => `${name}: ${because}`));
    const all = [...journal.read(run)];
    expect(all.slice(0, records.length)).toEqual(records);
    const { divergence } = replay(all);
    if (divergence !== undefined) wrong.push(`record ${divergence.position} does not fold`);
    return { phase: phasesOf(records).at(-1) ?? 'setup', wrong: wrong.map((one) => `kill ${nth}: ${one}`) };
  } finally {
    journal.close();
  }
}

test('killed fifty times over all phases, recovered every time, nothing acknowledged lost', async () => {
  if (!existsSync(DIST)) throw new Error(`${DIST.href} is not there: npm run build makes it`);
  const kills = [...planned()];
  const wrong: string[] = [];
  const histogram = new Map<Phase | 'over', number>([...PHASES, 'over' as const].map((phase) => [phase, 0]));
  const lane = async () => {
    for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) {
      const dead = await killed(kill);
      if (dead.signal === null && 'outsideAfter' in kill.how && kill.how.outsideAfter > 0) {
        // It was faster than the kill: once more, and earlier.
        for (const file of ['', '-wal', '-shm']) rmSync(`${dead.path}${file}`, { force: true });
        kills.push({ ...kill, how: { outsideAfter: kill.how.outsideAfter >> 1 } });
        continue;
      }
      expect(dead.signal, dead.stderr).toBe('SIGKILL');
      const { phase, wrong: found } = await recovered(dead);
      wrong.push(...found);
      histogram.set(phase, (histogram.get(phase) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  console.log(`kills by phase: ${[...histogram].map(([phase, kills]) => `${phase} ${kills}`).join(', ')}`);
  expect(wrong).toEqual([]);
  expect(PHASES.filter((phase) => histogram.get(phase) === 0)).toEqual([]);
  expect(SWITCHOVER.reduce((sum, phase) => sum + (histogram.get(phase) ?? 0), 0)).toBeGreaterThanOrEqual(3);
}, 240_000);
