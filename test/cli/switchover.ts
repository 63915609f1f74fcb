/**
 * The command line in two ways. As a shell sees it: the compiled program in a process of its own, with its two streams and
 * its exit code; `npm run build` compiles it (`npm test` does that first), nothing is built here. And inside this process,
 * many times as fast, for the tables of what a person can get wrong.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { main } from '../../src/cli/program.ts';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly code: number | null;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
}

export function startSwitchover(args: readonly string[], { cwd, env }: SpawnOptions = {}): Started {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build makes it`);
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: { ...inherited, ...env } });
  child.stdin.end();
  const finished = new Promise<Finished>((resolve, reject) => {
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (part: string) => {
        text[stream] += part;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...text, code }));
  });
  return { child, finished };
}

export function switchover(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return startSwitchover(args, options).finished;
}

/** The same without a process: not for signals, and one at a time. */
export async function inProcess(
  args: readonly string[],
  { cwd = process.cwd() }: SpawnOptions = {},
): Promise<Finished> {
  const text = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((part) => {
      text[name] += String(part);
      return true;
    }),
  );
  const before = { cwd: process.cwd(), exitCode: process.exitCode };
  try {
    process.chdir(cwd);
    return { code: await main(args), ...text };
  } finally {
    process.chdir(before.cwd);
    process.exitCode = before.exitCode;
    for (const spy of spies) spy.mockRestore();
  }
}

/** A person's mistake: one message on stderr, nothing on stdout, no stack, no colours. */
export function expectMistake({ stdout, stderr, code }: Finished, message: RegExp | string, exitCode = 2): void {
  if (typeof message === 'string') expect(stderr).toContain(message);
  else expect(stderr).toMatch(message);
  expect(code, stderr).toBe(exitCode);
  expect(stdout).toBe('');
  expect(stderr.trim()).not.toBe('');
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(stderr).not.toContain('\u001b[');
  expect(stderr).not.toContain('this is a bug');
}
