/**
 * What it costs to check a run: the same run with every checker fed with every record, and with none, in one process. And
 * what a plan of faults costs that plans none: a wrapper round the driver. What the model itself knows of its pages is on in
 * all of them.
 */
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { type Bench, built, figure, type Table, times } from './bench.ts';
import { race } from './race.ts';
import { FEW_PAGES } from './vgpu.ts';

const RUNS = 7;

export const checkers: Bench = {
  name: 'checkers',
  about: 'the same run with the checkers on and off, and under a plan of no faults',
  async run() {
    return [await onAndOff()];
  },
};

/** Charts and records, and hardly a page: where checking weighs most. */
const NO_PAGES: ScenarioInput = {
  name: 'two NICs, no pages',
  vm: { memory: '1MiB', vcpus: 1, workloads: [{ kind: 'random', set: '64KiB', rate: '100/s' }] },
  containers: [
    { iommu: { kind: 'iommufd', dirtyTracking: true }, devices: [nic('nic0', '128KiB'), nic('nic1', '256KiB')] },
  ],
  link: { bandwidth: '1Gbit/s' },
};

function nic(id: string, at: `${number}KiB`) {
  const features = ['stop-copy', 'p2p', 'pre-copy'] as const;
  const dma = { rate: '64KiB/s', ring: '16KiB', at } as const;
  return { id, kind: 'nic', features, dmaLogging: true, dma, state: { stopCopy: '64KiB' } } as const;
}

async function onAndOff(): Promise<Table> {
  const { createCheckers } = await built<typeof import('../../src/checkers/index.ts')>('src/checkers/index');
  const { VirtualClock } = await built<typeof import('../../src/clock/virtual-clock.ts')>('src/clock/virtual-clock');
  const { withFaults } = await built<typeof import('../../src/drivers/faulty.ts')>('src/drivers/faulty');
  const { createModelDriver } = await built<typeof import('../../src/drivers/model/model-driver.ts')>(
    'src/drivers/model/model-driver',
  );
  const { MemoryJournal } =
    await built<typeof import('../../src/journal/memory-journal.ts')>('src/journal/memory-journal');
  const { modelSpecOf } = await built<typeof import('../../src/lab/model/spec.ts')>('src/lab/model/spec');
  const { openedOf } = await built<typeof import('../../src/lab/prepare.ts')>('src/lab/prepare');
  const { scenarioFrom } = await built<typeof import('../../src/lab/scenario/read.ts')>('src/lab/scenario/read');
  const { scenarios } = await built<typeof import('../../src/lab/shipped.ts')>('src/lab/shipped');
  const { Runner } = await built<typeof import('../../src/run/runner.ts')>('src/run/runner');
  const { stepperFor } = await built<typeof import('../../src/run/stepper.ts')>('src/run/stepper');

  const runs = [
    { name: 'two NICs, hardly a page', scenario: scenarioFrom(NO_PAGES), units: 20 },
    { name: 'vgpu-never, 1/100 of its pages', scenario: scenarioFrom(FEW_PAGES), units: 1 },
    { name: 'two-nics', scenario: scenarios['two-nics'], units: 1 },
  ];
  const kinds = ['off', 'off, under a plan', 'on'] as const;

  function once(scenario: (typeof runs)[number]['scenario'], kind: (typeof kinds)[number]): number {
    const clock = new VirtualClock();
    const model = createModelDriver(modelSpecOf(scenario), clock);
    const driver = kind === 'off, under a plan' ? withFaults(model, clock, []) : model;
    const opened = openedOf(scenario, driver, 'bench');
    const runner = new Runner(opened, { stepper: stepperFor(opened), driver, clock, journal: new MemoryJournal() });
    const checkers = kind === 'on' ? createCheckers() : undefined;
    if (checkers !== undefined) runner.recorded$.subscribe((recorded) => checkers.see(recorded));
    runner.open();
    runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
    while (!runner.ended && clock.step());
    const broken = checkers?.finish(driver.measured?.()).find(({ held }) => !held);
    if (broken !== undefined) throw new Error(`${scenario.name}: ${broken.name}: ${broken.because}`);
    driver.close();
    return runner.system?.position ?? 0;
  }

  const rows = runs.map(({ name, scenario, units }) => {
    const ns = race(
      kinds.map((kind) => ({
        name: kind,
        units,
        prepare: () => () => {
          for (let unit = 0; unit < units; unit++) once(scenario, kind);
        },
      })),
      { rounds: RUNS },
    );
    const [off, planned, on] = kinds.map((kind) => ns.get(kind) as number) as [number, number, number];
    const records = once(scenario, 'off') + 1;
    return [name, String(records), figure(off / 1e6), times(planned, off), figure(on / 1e6), times(on, off)];
  });
  return {
    title: 'CPU ms of a run',
    columns: ['', 'records', 'off', 'off, under a plan', 'on', 'on to off'],
    rows,
    notes: ['On is to cost less than twice as much as off.'],
  };
}
