/**
 * The largest guest that ships: 1 TiB, two NICs with their DMA logs and a vGPU, page-exact and with its lost-write check. It
 * is held to a minute and to 2 GiB. Its rival is the plain simulation of the same guest without any device.
 */
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { type Bench, built, figure, type Table } from './bench.ts';
import { runCli } from './child.ts';
import { type PlainResult, type PlainSpec, simulatePlainly } from './plain-simulation.ts';

const NAME = 'one-tib';
/** On 2 cores, of the process as a whole. */
const TARGET_S = 60;
const TARGET_MIB = 2048;

export const oneTib: Bench = {
  name: NAME,
  about: '1 TiB guest, 16 vCPUs, two NICs, vGPU with 8 GiB mapped, 100 Gbit/s, lost-write check on',
  async run() {
    const { scenarios } = await built<typeof import('../../src/lab/shipped.ts')>('src/lab/shipped');
    const plain = plainly(plainSpecOf(scenarios[NAME]));
    const run = runCli('run', NAME, '--json');
    const report = JSON.parse(run.stdout) as Report;
    const lost = report.checks.find(({ name }) => name === 'no-lost-write');
    if (lost?.held !== true) throw new Error(`the lost-write check did not hold: ${JSON.stringify(lost)}`);
    const met = run.wallMs <= TARGET_S * 1000 && run.peakMiB <= TARGET_MIB;
    const seconds = (ms: number) => figure(ms / 1000);
    const table: Table = {
      title: 'A process of its own; the plain one in this process (a byte a page, every write drawn, no device)',
      columns: ['', 'wall s', 'CPU s', 'peak MiB', 'rounds', 'virtual s', ''],
      rows: [
        ['target', `at most ${TARGET_S}`, '', `at most ${TARGET_MIB}`, '', '', ''],
        [
          `switchover run ${NAME}`,
          seconds(run.wallMs),
          seconds(run.cpuMs),
          figure(run.peakMiB),
          String(report.rounds.length),
          seconds(report.totalMs),
          met ? 'met' : 'MISSED',
        ],
        [
          'plain simulation',
          seconds(plain.wallMs),
          seconds(plain.cpuMs),
          figure(plain.bytes / 2 ** 20),
          String(plain.rounds),
          seconds(plain.totalMs),
          '',
        ],
      ],
      notes: [
        `${figure(report.bytes.normalPages)} pages sent; the check held: no lost write.`,
        "The plain one's MiB are its two arrays alone, and it never looks whether a write was lost.",
      ],
    };
    return [table];
  },
};

interface Plainly extends PlainResult {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

function plainly(spec: PlainSpec): Plainly {
  const [startMs, start] = [performance.now(), process.cpuUsage()];
  const result = simulatePlainly(spec);
  const { user, system } = process.cpuUsage(start);
  return { ...result, wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000, bytes: 2 * spec.pages };
}

/** All random writers as one. */
function plainSpecOf({ vm, vmm, link }: Scenario): PlainSpec {
  const workloads = vm.workloads.filter((workload) => workload.kind === 'random');
  if (workloads.length !== vm.workloads.length) throw new Error(`${NAME} has other workloads than random ones`);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    pages: vm.memoryBytes / vm.pageSizeBytes,
    setPages: sum(workloads.map(({ setBytes }) => setBytes)) / vm.pageSizeBytes,
    writesPerSecond: sum(workloads.map(({ writesPerSecond }) => writesPerSecond)),
    bytesPerSecond: link.bandwidthBytesPerSecond,
    pageBytes: vm.pageSizeBytes,
    downtimeLimitMs: vmm.downtimeLimitMs,
  };
}
