/**
 * A run recorded and replayed is the same run; a trace that is not what the scenario says is refused where it is named, and
 * one that has changed since is noticed by a re-run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { printScenario } from '../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { traceHead, traceLine } from '../../src/streams/trace-format.ts';
import { type WatchedRun, watchRun } from './watch-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'switchover-traces-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Vm = ScenarioInput['vm'];
type Devices = NonNullable<ScenarioInput['containers']>[number]['devices'];

const device = { id: 'd0', features: ['stop-copy', 'p2p'], dmaLogging: true, state: { stopCopy: '1MiB' } } as const;

function input(vm: Partial<Vm>, dma: Extract<Devices[number], { kind: 'custom' }>['dma']): ScenarioInput {
  return {
    name: 'recorded',
    vm: { memory: '64MiB', vcpus: 2, ...vm },
    containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: [{ ...device, kind: 'custom', dma }] }],
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '100ms', maxBandwidth: 'unlimited' },
    checks: { truth: 'both' },
  };
}

/** Every form of batch: lists, extents, bitmaps; vCPUs, the host, a device. */
const original = scenarioFrom(
  input(
    {
      workloads: [
        { kind: 'zipf', vcpus: 0, set: '16MiB', rate: '30k/s', skew: 0.9 },
        { kind: 'random', vcpus: 1, set: '4MiB', at: '16MiB', rate: '40k/s' },
        { kind: 'cycle', vcpus: '0-1', set: '2MiB', at: '20MiB', rate: '1k/s' },
      ],
      hostWriters: [{ id: 'vhost', kind: 'cycle', set: '2MiB', at: '30MiB', rate: '500/s' }],
    },
    [
      { pattern: 'ring', set: '1MiB', at: '40MiB', rate: '5MiB/s' },
      { pattern: 'zipf', set: '4MiB', at: '44MiB', rate: '5k/s', skew: 0.4 },
    ],
  ),
);

function record(scenario: Scenario, file: string): WatchedRun {
  let text = traceHead(scenario.vm.pageSizeBytes);
  const run = watchRun(scenario, {
    before: (driver) => {
      driver.pages$.subscribe((batch) => {
        text += traceLine(batch);
      });
    },
  });
  writeFileSync(file, text);
  return run;
}

const replaying = (file: string): ScenarioInput =>
  input({ workloads: [{ kind: 'trace', file }], hostWriters: [{ id: 'vhost', kind: 'trace', file }] }, [
    { pattern: 'trace', file },
  ]);

describe('a whole run', () => {
  const file = join(folder, 'whole.trace');
  const first = record(original, file);
  const again = join(folder, 'again.trace');
  const second = record(scenarioFrom(replaying(file)), again);

  test('is the same when its writers are replayed from their trace', () => {
    expect(first.report.outcome).toBe('completed');
    expect(first.report.rounds.length).toBeGreaterThan(2);
    for (const key of ['rounds', 'downtimeMs', 'totalMs', 'bytes', 'checks', 'devices'] as const) {
      expect(second.report[key]).toEqual(first.report[key]);
    }
    const inputs = ({ recorded }: WatchedRun) =>
      recorded.flatMap(({ record: one }) => (one.kind === 'input' ? [{ atNs: one.atNs, event: one.event }] : []));
    expect(inputs(second)).toEqual(inputs(first));
  });

  test('recorded again gives the same pages by the same writers at the same times', () => {
    const pages = (run: Scenario) => {
      const lines: string[] = [];
      watchRun(run, { before: (driver) => void driver.pages$.subscribe((batch) => lines.push(traceLine(batch))) });
      return lines.map((line) => line.split(' ').slice(0, 3).join(' '));
    };
    expect(pages(scenarioFrom(replaying(again)))).toEqual(pages(original));
  });
});

describe('where a trace is', () => {
  const trace = 'switchover-trace 1\npage 4096\n100 vcpu:0 1 2\n200 host:vhost 3\n300 dma:d0 4\n';
  writeFileSync(join(folder, 'small.trace'), trace);
  const text = (more: string) =>
    `name: x\nvm:\n  memory: 64MiB\n  workloads:\n    - { kind: trace, file: small.trace${more} }\n`;

  test('is relative to the scenario, and is kept whole, with its hash', () => {
    const scenario = parseScenario(text(''), join(folder, 'x.yaml'));
    expect(scenario.vm.workloads).toEqual([
      { kind: 'trace', file: join(folder, 'small.trace'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(parseScenario(printScenario(scenario), 'elsewhere.yaml')).toEqual(scenario);
  });

  test('is wrong by name and line when it is not there, or holds something else than it must', () => {
    const at = (more: string, name: string) => () => parseScenario(text(more), name);
    expect(at('', 'nowhere/x.yaml')).toThrow(/x\.yaml:5: vm\.workloads\[0\]\.file: .*small\.trace: no such file/);
    expect(at(`, sha256: "${'0'.repeat(64)}"`, join(folder, 'x.yaml'))).toThrow(
      /x\.yaml:5: vm\.workloads\[0\]\.sha256: .* holds something else/,
    );
  });

  test.each<[string, string, Partial<Vm>, RegExp]>([
    ['no trace', 'hello', {}, /bad\.trace:1: must be "switchover-trace 1"/],
    ['a wrong line', 'switchover-trace 1\npage 4096\nx\n', {}, /bad\.trace:3: x is no time/],
    ['of other pages', 'switchover-trace 1\npage 16384\n1 vcpu:0 1\n', {}, /pages of 16KiB, and vm\.pageSize is 4KiB/],
    ['of no vCPU', 'switchover-trace 1\npage 4096\n1 dma:d0 1\n', {}, /nothing that vcpu:\* wrote/],
    ['outside memory', 'switchover-trace 1\npage 4096\n1 vcpu:0 16384\n', {}, /page 16384, which is no memory/],
    [
      'in a hole',
      'switchover-trace 1\npage 4096\n1 vcpu:0 16+2\n',
      { holes: [{ at: '64KiB', size: '64KiB' }] },
      /page 16, which is no memory/,
    ],
    ['of a vCPU too many', 'switchover-trace 1\npage 4096\n1 vcpu:0,2 1\n', {}, /writes of vCPU 2: vm\.vcpus is 2/],
  ])('%s is refused', (_, held, vm, message) => {
    const file = join(folder, 'bad.trace');
    writeFileSync(file, held);
    const read = () => scenarioFrom(input({ workloads: [{ kind: 'trace', file }], ...vm }, []));
    expect(read).toThrow(ScenarioError);
    expect(read).toThrow(message);
  });

  test('it may have changed since the scenario was read: a run does not begin', () => {
    const file = join(folder, 'moving.trace');
    writeFileSync(file, trace);
    const scenario = scenarioFrom(input({ workloads: [{ kind: 'trace', file }] }, []));
    expect(watchRun(scenario).report.outcome).toBe('completed');
    writeFileSync(file, trace.replace('100', '101'));
    expect(() => watchRun(scenario)).toThrow(/moving\.trace has changed since/);
    rmSync(file);
    expect(() => watchRun(scenario)).toThrow(/moving\.trace: no such file/);
  });
});
