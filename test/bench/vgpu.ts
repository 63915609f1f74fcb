/**
 * The two vGPU scenarios: the one that converges, and the one that goes round for ever until it is given up, which is the
 * longest run that ships. Its rival is the same run with a hundredth of the pages: what is left of it is charts and records.
 */
import type { Report } from '../../src/lab/report/report.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { type Bench, built, figure, type Table } from './bench.ts';
import { runCliOften } from './child.ts';
import { race } from './race.ts';

const RUNS = 3;

export const vgpu: Bench = {
  name: 'vgpu',
  about: 'vgpu-10g, and vgpu-never with its thousand rounds',
  async run() {
    return [children(), await rehearsals()];
  },
};

function children(): Table {
  const rows = ['vgpu-10g', 'vgpu-never'].map((name) => {
    const { wallMs, cpuMs, peakMiB, stdout } = runCliOften(RUNS, 'run', name, '--json');
    const { rounds, totalMs } = JSON.parse(stdout) as Report;
    return [
      name,
      ...[wallMs / 1000, cpuMs / 1000, peakMiB].map(figure),
      String(rounds.length),
      ...[totalMs / 1000, totalMs / wallMs].map(figure),
    ];
  });
  return {
    title: 'A process of its own, with the start of Node',
    columns: ['switchover run', 'wall s', 'CPU s', 'peak MiB', 'rounds', 'virtual s', 'times real time'],
    rows,
  };
}

async function rehearsals(): Promise<Table> {
  const { rehearse } = await built<typeof import('../../src/lab/rehearse.ts')>('src/lab/rehearse');
  const { scenarios } = await built<typeof import('../../src/lab/shipped.ts')>('src/lab/shipped');
  const { scenarioFrom } = await built<typeof import('../../src/lab/scenario/read.ts')>('src/lab/scenario/read');
  const runs = [
    { name: 'vgpu-10g', scenario: scenarios['vgpu-10g'] },
    { name: 'vgpu-never', scenario: scenarios['vgpu-never'] },
    { name: 'vgpu-never, 1/100 of its pages', scenario: scenarioFrom(FEW_PAGES) },
  ];
  const rounds = new Map<string, number>();
  const ns = race(
    runs.map(({ name, scenario }) => ({
      name,
      units: 1,
      prepare: () => () => rounds.set(name, rehearse(scenario).ended.rounds.length),
    })),
    { rounds: RUNS },
  );
  return {
    title: 'Without the process',
    columns: ['', 'CPU ms', 'rounds', 'CPU ms a round'],
    rows: runs.map(({ name }) => {
      const ms = ns.get(name)! / 1e6;
      return [name, figure(ms), String(rounds.get(name)), figure(ms / rounds.get(name)!)];
    }),
  };
}

/** vgpu-never with guest, map, load and link a hundredth as large: a round lasts as long and carries as little. */
export const FEW_PAGES: ScenarioInput = {
  name: 'vGPU that never fits, small',
  vm: { memory: '40MiB', vcpus: 1, workloads: [{ kind: 'random', set: '640KiB', rate: '20/s' }] },
  containers: [
    {
      iommu: { kind: 'type1' },
      devices: [
        {
          id: 'vgpu0',
          kind: 'vgpu',
          features: ['stop-copy'],
          dmaLogging: true,
          mapped: '4500kB',
          scattered: true,
          state: { stopCopy: '160KiB' },
        },
      ],
    },
  ],
  link: { bandwidth: '100Mbit/s' },
  vmm: { loop: 'qemu-10.2', downtimeLimit: '300ms', maxBandwidth: 0 },
  giveUpAfter: '2m',
};
