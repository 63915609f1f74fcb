/**
 * The largest scenario that ships, page-exact and with its lost-write check: 64 GiB under 200,000 random writes a second.
 * Its rival is the simulation that one would write down first, which draws every write and looks at every page.
 */
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { type Bench, built, figure, type Table } from './bench.ts';
import { runCliOften } from './child.ts';
import { type PlainResult, type PlainSpec, simulatePlainly } from './plain-simulation.ts';
import { race } from './race.ts';

const NAME = 'big-random';
const RUNS = 3;
/** On 2 cores, of the process as a whole. */
const TARGET_S = 10;
const TARGET_MIB = 300;

export const bigRandom: Bench = {
  name: NAME,
  about: '64 GiB guest, 200k random writes/s over 8 GiB, 25 Gbit/s, qemu-10.2, lost-write check on',
  async run() {
    const { scenarios } = await built<typeof import('../../src/lab/shipped.ts')>('src/lab/shipped');
    const run = runCliOften(RUNS, 'run', NAME, '--json');
    const start = runCliOften(RUNS, '--version');
    const report = JSON.parse(run.stdout) as Report;
    const lost = report.checks.find(({ name }) => name === 'no-lost-write');
    if (lost?.held !== true) throw new Error(`the lost-write check did not hold: ${JSON.stringify(lost)}`);
    const met = run.wallMs <= TARGET_S * 1000 && run.peakMiB <= TARGET_MIB;
    const seconds = (ms: number) => figure(ms / 1000);
    const own: Table = {
      title: 'A process of its own, with the start of Node; the most memory that any of the runs held',
      columns: ['', 'wall s', 'CPU s', 'peak MiB', ''],
      rows: [
        ['target', `at most ${TARGET_S}`, '', `at most ${TARGET_MIB}`, ''],
        [
          `switchover run ${NAME}`,
          seconds(run.wallMs),
          seconds(run.cpuMs),
          figure(run.peakMiB),
          met ? 'met' : 'MISSED',
        ],
        ['switchover --version', seconds(start.wallMs), seconds(start.cpuMs), figure(start.peakMiB), ''],
      ],
      notes: [
        `${report.rounds.length} rounds, ${seconds(report.totalMs)} s of virtual time; the check held: no lost write.`,
      ],
    };
    return [own, await against(scenarios[NAME])];
  },
};

/** The run without its process, against the plain simulation of the same guest. */
async function against(scenario: Scenario): Promise<Table> {
  const { rehearse } = await built<typeof import('../../src/lab/rehearse.ts')>('src/lab/rehearse');
  const spec = plainSpecOf(scenario);
  let report: Report | undefined;
  let plain: PlainResult | undefined;
  const ns = race(
    [
      { name: 'page-exact', units: 1, prepare: () => () => (report = rehearse(scenario).ended) },
      { name: 'plain', units: 1, prepare: () => () => (plain = simulatePlainly(spec)) },
    ],
    { rounds: RUNS },
  );
  const ms = (name: string) => figure(ns.get(name)! / 1e6);
  return {
    title: 'Without the process, against a plain simulation (a byte a page, every write drawn)',
    columns: ['', 'CPU ms', 'rounds', 'virtual s'],
    rows: [
      [
        'page-exact, with logs, charts, journal, checks',
        ms('page-exact'),
        String(report!.rounds.length),
        figure(report!.totalMs / 1000),
      ],
      ['plain simulation', ms('plain'), String(plain!.rounds), figure(plain!.totalMs / 1000)],
    ],
    notes: [`The plain one drew ${figure(plain!.writes)} writes; it drains each round to zero, which QEMU does not.`],
  };
}

function plainSpecOf({ vm, vmm, link }: Scenario): PlainSpec {
  const [workload] = vm.workloads;
  if (workload?.kind !== 'random') throw new Error(`${NAME} is no longer a random workload`);
  return {
    pages: vm.memoryBytes / vm.pageSizeBytes,
    setPages: workload.setBytes / vm.pageSizeBytes,
    writesPerSecond: workload.writesPerSecond,
    bytesPerSecond: link.bandwidthBytesPerSecond,
    pageBytes: vm.pageSizeBytes,
    downtimeLimitMs: vmm.downtimeLimitMs,
  };
}
