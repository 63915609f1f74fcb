/**
 * One run of the built command line in a process of its own: how long it took, what it computed, and the most memory that it
 * held, as the process itself says when it ends.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './race.ts';

export interface ChildRun {
  readonly wallMs: number;
  /** User and system, of all its threads. */
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly stdout: string;
}

const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
/** Tells the usage on a pipe of its own, so that stdout stays the program's. */
const TELL = `import { writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, JSON.stringify(process.resourceUsage())));`;

/** Throws when the command fails. */
export function runCli(...args: readonly string[]): ChildRun {
  const startMs = performance.now();
  const child = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`, CLI, ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
      encoding: 'utf8',
    },
  );
  const wallMs = performance.now() - startMs;
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) throw new Error(`switchover ${args.join(' ')} ended with ${child.status}: ${child.stderr}`);
  const usage = JSON.parse(child.output[3]!) as NodeJS.ResourceUsage;
  return {
    wallMs,
    cpuMs: (usage.userCPUTime + usage.systemCPUTime) / 1000,
    // ru_maxrss is in KiB (getrusage(2)).
    peakMiB: usage.maxRSS / 1024,
    stdout: child.stdout,
  };
}

/** Several runs, one after the other: median times, the most memory of any, and what the first one printed. */
export function runCliOften(runs: number, ...args: readonly string[]): ChildRun {
  const all = Array.from({ length: runs }, () => runCli(...args));
  const of = (pick: (run: ChildRun) => number) => median(all.map(pick));
  return {
    wallMs: of(({ wallMs }) => wallMs),
    cpuMs: of(({ cpuMs }) => cpuMs),
    peakMiB: Math.max(...all.map(({ peakMiB }) => peakMiB)),
    stdout: all[0]!.stdout,
  };
}
