/** `switchover list`: what can be named, as lines and as JSON. */
import { describe, expect, test } from 'vitest';
import { machines, managers, policies, throttles } from '../../machines/index.ts';
import { COMMANDS } from '../../machines/words.ts';
import { listDeadlines } from '../../src/lab/deadlines.ts';
import { DEVICES } from '../../src/lab/devices.ts';
import { listExperiments, listSweeps } from '../../src/lab/experiment/shipped.ts';
import { deviceSchema } from '../../src/lab/scenario/devices/device.ts';
import { listScenarios } from '../../src/lab/shipped.ts';
import { TRACKERS } from '../../src/lab/trackers.ts';
import { expectMistake, inProcess } from './switchover.ts';

const NAMES = {
  scenarios: listScenarios().map(({ name }) => name as string),
  experiments: listExperiments().map(({ name }) => name as string),
  sweeps: listSweeps().map(({ name }) => name as string),
  machines: Object.keys(machines),
};

describe.each(Object.entries(NAMES))('list %s', (what, names) => {
  test('begins a line for each, with what it is, in 100 columns', async () => {
    const { stdout, stderr, code } = await inProcess(['list', what]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const all = stdout.trimEnd().split('\n');
    expect(all.filter((line) => line.length > 100)).toEqual([]);
    const lines = all.filter((line) => !line.startsWith(' '));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(names);
    for (const line of lines) expect(line).toMatch(/^\S+ {2,}\S.{10,}$/);
    const columns = new Set(lines.map((line) => /^\S+ +/.exec(line)?.[0].length));
    expect(columns.size).toBe(1);
  });

  test('--json is a list of names and descriptions', async () => {
    const { stdout, stderr, code } = await inProcess(['list', what, '--json']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const listed = JSON.parse(stdout) as readonly { readonly name: string; readonly description: string }[];
    expect(listed.map(({ name }) => name)).toEqual(names);
    for (const { description } of listed) expect(description.length).toBeGreaterThan(10);
  });
});

describe('list policies', () => {
  const slowing = Object.values(throttles).map((entry) => ({ ...entry, role: 'throttle' }));
  const all = [...Object.values(policies), ...slowing, ...Object.values(managers)];

  test('is each with its role, what it is and where it is published: the vmm’s own rules, its throttles, then the managers', async () => {
    const { stdout, stderr, code } = await inProcess(['list', 'policies']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const told = stdout.split(/\n(?=\S)/).map((entry) => entry.trim().split(/\s+/).join(' '));
    for (const [i, { name, role, description }] of all.entries()) {
      expect(told[i]).toMatch(/ .{20,}$/);
      expect(told[i]?.startsWith(`${name} ${role}: ${description} `)).toBe(true);
    }
    expect(told).toHaveLength(all.length);
  });

  test('--json is a list of names, roles, descriptions and sources', async () => {
    const { stdout } = await inProcess(['list', 'policies', '--json']);
    const listed = JSON.parse(stdout) as readonly { readonly name: string; readonly source: string }[];
    expect(listed.map(({ name }) => name)).toEqual(all.map(({ name }) => name));
    expect(listed.map(({ source }) => source)).not.toContain(undefined);
    for (const { source } of listed) expect(source.length).toBeGreaterThan(10);
  });
});

describe.each([
  ['devices', DEVICES],
  ['trackers', TRACKERS],
] as const)('list %s', (what, expected) => {
  test('is a paragraph for each, with its source, and says what is hypothetical', async () => {
    const { stdout, stderr, code } = await inProcess(['list', what]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const told = stdout.split(/\n(?=\S)/).map((entry) => entry.trim().split(/\s+/).join(' '));
    expect(told).toEqual(
      expected.map(({ name, description, source, hypothetical }) =>
        `${name} ${hypothetical ? 'HYPOTHETICAL: ' : ''}${description} ${source}`.split(/\s+/).join(' '),
      ),
    );
  });

  test('--json is the listing', async () => {
    const { stdout } = await inProcess(['list', what, '--json']);
    expect(JSON.parse(stdout)).toEqual(expected);
  });
});

describe('list deadlines', () => {
  test('is a paragraph for each command, with its limit, its class and what follows', async () => {
    const { stdout, stderr, code } = await inProcess(['list', 'deadlines']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const told = stdout.split(/\n(?=\S)/).map((entry) => entry.trim().split(/\s+/).join(' '));
    expect(told).toEqual(listDeadlines().map(({ name, description }) => `${name} ${description}`));
    expect(told.map((line) => line.split(' ')[0])).toEqual(Object.keys(COMMANDS));
  });

  test('--json is the listing', async () => {
    const { stdout } = await inProcess(['list', 'deadlines', '--json']);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(listDeadlines())));
  });
});

test('every kind of device that a scenario can name is listed, and no other', () => {
  const kinds = deviceSchema.options.map(({ shape }) => shape.kind.value as string);
  expect(DEVICES.map(({ name }) => name).sort()).toEqual(kinds.sort());
});

test.each([
  ['nothing', [], /missing required argument 'what'/],
  [
    'what there is none of',
    ['hosts'],
    /Allowed choices are scenarios, experiments, sweeps, policies, machines, devices/,
  ],
  ['with an unknown option', ['scenarios', '--jsn'], /unknown option '--jsn'/],
] as const)('refuses to list %s', async (_, args, message) => {
  expectMistake(await inProcess(['list', ...args]), message);
});
