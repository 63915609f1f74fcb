/**
 * What a chart costs: one delivery, and a whole migration without pages, on the core's stepper, on XState's own pure
 * functions, and alive. Deliveries are the price of a migration, so they are counted, too.
 */
import { type Bench, built, figure, type Table, times } from './bench.ts';
import {
  coreCharts,
  liveOnActor,
  liveOnCore,
  livesOf,
  migrateLive,
  migrateOn,
  planWith,
  stockCharts,
} from './charts.ts';
import { race } from './race.ts';

const DEVICES = [0, 2, 8];
/** Migrations in one run of a rival: long enough for the clock of the CPU, short enough for everybody to have turns. */
const MIGRATIONS = 24;

export const step: Bench = {
  name: 'step',
  about: "a chart's delivery and a whole migration: the core's stepper, XState's transition(), live actors",
  async run() {
    return [deliveries(), counts(), await migrations()];
  },
};

function deliveries(): Table {
  const plan = planWith(2);
  const core = coreCharts(plan);
  const stock = stockCharts(core);
  const lives = livesOf(core, plan);
  const units = lives.reduce((sum, { events }) => sum + events.length + 1, 0) * MIGRATIONS;
  const chartIn = (set: typeof core) => {
    const kinds = new Map([...KINDS].map((kind) => [set.chart(kind, kind).machine, set.chart(kind, kind)]));
    return (life: (typeof lives)[number]) => kinds.get(life.machine)!;
  };
  const [ours, theirs] = [chartIn(core), chartIn(stock)];
  const often = (live: (life: (typeof lives)[number]) => void) => () => () => {
    for (let i = 0; i < MIGRATIONS; i++) for (const life of lives) live(life);
  };
  const ns = race([
    { name: 'core, one scope a machine', units, prepare: often((life) => liveOnCore(life, ours(life))) },
    { name: 'XState transition()', units, prepare: often((life) => liveOnCore(life, theirs(life))) },
    { name: 'a plain live actor', units, prepare: often(liveOnActor) },
  ]);
  const first = [...ns.values()][0]!;
  return {
    title: 'One delivery, over all deliveries to all charts of a migration with 2 devices, starts included',
    columns: ['', 'us a delivery', 'deliveries/s', ''],
    rows: [...ns].map(([name, each]) => [name, figure(each / 1e3), figure(1e9 / each), times(each, first)]),
  };
}

const KINDS = [
  ...['migration', 'pre-copy', 'stop-and-copy', 'roll-back', 'destination', 'guest'],
  ...['dirty-log', 'tracking', 'device', 'vfio', 'policy'],
];

function counts(): Table {
  const rows = DEVICES.map((devices) => {
    const plan = planWith(devices);
    let [records, deliveries, effects] = [0, 0, 0];
    migrateOn(coreCharts(plan), plan, {
      listen: () => deliveries++,
      see: (recorded) => {
        records++;
        effects += recorded.effects.length;
      },
    });
    return [String(devices), String(records), String(deliveries), String(effects)];
  });
  return {
    title: 'One migration without pages',
    columns: ['devices', 'records', 'deliveries, openings included', 'effects'],
    rows,
  };
}

async function migrations(): Promise<Table> {
  const { MemoryJournal } =
    await built<typeof import('../../src/journal/memory-journal.ts')>('src/journal/memory-journal');
  const rows = DEVICES.map((devices) => {
    const plan = planWith(devices);
    const core = coreCharts(plan);
    const stock = stockCharts(core);
    const units = Math.ceil(MIGRATIONS / (1 + devices / 2));
    const often = (migrate: () => void) => () => () => {
      for (let i = 0; i < units; i++) migrate();
    };
    const ns = race([
      { name: 'core', units, prepare: often(() => migrateOn(core, plan)) },
      { name: 'journal', units, prepare: often(() => migrateOn(core, plan, { journal: new MemoryJournal() })) },
      { name: 'stock', units, prepare: often(() => migrateOn(stock, plan)) },
      { name: 'live', units, prepare: often(() => migrateLive(core, plan)) },
    ]);
    const each = [...ns.values()];
    const [pure] = each as [number];
    return [
      String(devices),
      ...each.map((one) => figure(one / 1e6)),
      figure(1e9 / pure),
      times(each[2]!, pure),
      times(each[3]!, pure),
    ];
  });
  return {
    title: 'CPU ms for a whole migration without pages, on the runner (with checksums) or alive',
    columns: ['devices', 'core', 'with a journal', 'transition()', 'live', 'core, 1/s', 'transition()', 'live'],
    rows,
  };
}
