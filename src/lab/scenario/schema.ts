/**
 * The shape of a scenario file, as a Zod schema: keys, kinds of value, defaults that depend on nothing else. It reads
 * quantities into numbers but keeps the file's names; what follows from other keys is normalise.ts, what must agree with
 * other keys is check.ts. Importing Zod takes tens of milliseconds, so only commands that read a scenario import this.
 */
import { z } from 'zod';
import { LOOPS } from '../../../machines/loops.ts';
import { OUTCOMES } from '../../../machines/messages.ts';
import { COMMANDS, type CommandName, type FeatureMask } from '../../../machines/words.ts';
import { count, leaf, quantity, section, sizeAmong, truth, word, workRate } from './leaf.ts';
import {
  COST,
  DATA_RATE,
  type DataRateText,
  DURATION,
  type DurationText,
  LINK_RATE,
  PERCENT,
  type PercentText,
  patternOf,
  readQuantity,
  readVcpuSet,
  SIZE,
  type SizeText,
  VCPUS_MAX,
  type VcpuSetText,
} from './quantity.ts';
import { DIRTY_LOGS, FEATURES, LEAVES_BYTES, PAGE_SIZES_BYTES } from './scenario.ts';

const size = (description: string) => quantity<SizeText>(SIZE, description);
const duration = (description: string) => quantity<DurationText>(DURATION, description);
const cost = (description: string) => quantity<DurationText>(COST, description);

/** A data rate, or `unlimited`, which is QEMU's 0. */
const cap = (description: string) =>
  leaf<DataRateText | 'unlimited', number>({
    expected: 'unlimited or a data rate',
    example: '1GiB/s',
    json: {
      type: ['string', 'number'],
      pattern: `${patternOf(DATA_RATE)}|^unlimited$`,
      examples: ['1GiB/s', 'unlimited', 0],
    },
    description,
    read: (input) => (input === 'unlimited' ? { value: 0 } : readQuantity(DATA_RATE, input)),
  });

const vcpus = leaf<VcpuSetText, readonly number[]>({
  expected: 'a set of vCPUs',
  example: '0-3,6',
  json: { type: ['string', 'integer', 'array'], examples: ['0-3,6', 2] },
  description: 'The vCPUs that write; all of them by default. Quote a set with a comma inside { }.',
  read: readVcpuSet,
}).optional();

const id = leaf<string, string>({
  expected: 'a name of lower-case letters, digits and hyphens',
  example: 'nic0',
  json: { type: 'string', pattern: '^[a-z0-9-]+$' },
  description: 'Name in records, reports and messages.',
  read: (input) => (typeof input === 'string' && /^[a-z0-9-]+$/.test(input) ? { value: input } : { hint: null }),
});

const line = (description: string) =>
  leaf<string, string>({
    expected: 'a text',
    example: '"two NICs on 25 Gb/s"',
    json: { type: 'string', minLength: 1 },
    description,
    read: (input) => (typeof input === 'string' && input.trim() !== '' ? { value: input.trim() } : { hint: null }),
  });

const at = size('Where the set begins; a whole number of pages.').prefault(0);
const wholeSet = size('Size of the set of pages; from `at` to the end of memory by default.').optional();

const point = leaf<readonly [number | DurationText, number | SizeText], CurvePoint>({
  expected: 'a point [time, pages]',
  example: '[100, 5000] or [100ms, 20MiB]',
  json: { type: 'array', minItems: 2, maxItems: 2, items: { type: ['string', 'number'] } },
  description: 'Time since the last look (a number is ms), distinct pages written in it (a number is pages).',
  read: (input) => {
    if (!Array.isArray(input) || input.length !== 2) return { hint: null };
    const [time, pages] = input as [unknown, unknown];
    const after = readQuantity(DURATION, typeof time === 'number' ? `${time}ms` : time);
    const written = readQuantity(SIZE, pages);
    if (!('value' in after) || !('value' in written)) return { hint: null };
    return { value: { afterNs: after.value, ...(typeof pages === 'number' ? { pages } : { bytes: written.value }) } };
  },
});
type CurvePoint = { readonly afterNs: number; readonly pages?: number; readonly bytes?: number };

const workload = z
  .discriminatedUnion('kind', [
    section({ kind: z.literal('idle') }),
    section({
      kind: z.literal('random'),
      set: size('Size of the set of pages.'),
      rate: workRate('Writes, each to a page drawn uniformly.'),
      vcpus,
      at,
    }),
    section({
      kind: z.literal('cycle'),
      set: size('Size of the set of pages.'),
      rate: workRate('Whole pages in address order, for ever.'),
      vcpus,
      at,
      phase: size('How far into the set the first write is.').prefault(0),
    }),
    section({
      kind: z.literal('sequential'),
      rate: workRate('Whole pages in address order, once.'),
      set: wholeSet,
      vcpus,
      at,
    }),
    section({
      kind: z.literal('curve'),
      points: z.array(point).describe('Distinct pages against time, as measured on a real VM.'),
      set: wholeSet,
      vcpus,
      at,
    }),
  ])
  .describe('Who writes the guest memory besides the devices.');

const kvm = section({
  fault: cost('Per write-protection fault, paid by the vCPU that writes; 10us with contention.').prefault('2us'),
  exit: cost('Per exit because a PML buffer or a dirty ring is full, paid by that vCPU.').prefault('2us'),
  harvest: cost('Per entry of a dirty ring, to harvest and reset it; paid by whoever harvests.').prefault('100ns'),
  initiallySet: truth('bitmap-manual: KVM_DIRTY_LOG_INITIALLY_SET, as QEMU does.').prefault(true),
  clearChunk: size('bitmap-manual: what the vmm re-arms with one CLEAR; 64 pages or a multiple.').prefault('1GiB'),
  ringEntries: count(1, 2 ** 20, 'ring: entries of each vCPU; a power of two up to 65536.').prefault(4096),
  ringPml: truth('ring: filled by page-modification logging instead of faults.').prefault(true),
  reapEvery: duration("ring: period of the vmm's reaper thread.").prefault('1s'),
  backupBitmap: truth("ring: keeps KVM's own writes without a vCPU (arm64).").prefault(false),
  heldBack: count(0, 64, 'range-ring: how many of the newest ranges are held back for merging.').prefault(8),
});

const vm = section({
  memory: size('Guest memory; a whole number of pages.'),
  pageSize: sizeAmong(PAGE_SIZES_BYTES, "The host's page size.").prefault('4KiB'),
  nonZero: size('Memory that is not zero at the start, from address 0 up; all of it by default.').optional(),
  vcpus: count(1, VCPUS_MAX, 'How many vCPUs.').prefault(1),
  dirtyLog: word(DIRTY_LOGS, "KVM's dirty log; range-ring is hypothetical, in no kernel.").prefault('bitmap'),
  kvm: kvm
    .describe('What the dirty log costs the guest, and its options; free of charge where it is absent.')
    .optional(),
  workloads: z.array(workload).prefault([]),
});

const iommu = section({
  kind: word(['iommufd', 'type1', 'none'], 'How the container is mapped.'),
  dirtyTracking: truth('The container reports that its IOMMU can track writes.').prefault(false),
  hardware: word(['amd', 'intel', 'smmuv3'], 'Whose dirty bits; iommufd only, amd by default.').optional(),
  leaf: sizeAmong(LEAVES_BYTES, 'What one dirty bit covers.').prefault('4KiB'),
});

const features = z
  .array(word(Object.keys(FEATURES) as (keyof typeof FEATURES)[], 'A VFIO_MIGRATION_* feature of the device.'))
  .transform((words, context): FeatureMask => {
    const mask = words.reduce((bits: number, feature) => bits | FEATURES[feature], 0);
    if ((mask & FEATURES['stop-copy']) === 0) {
      context.issues.push({
        code: 'custom',
        input: words,
        message: 'features',
        params: { expected: 'stop-copy among the features', example: '[stop-copy, p2p]' },
      });
      return z.NEVER;
    }
    return mask as FeatureMask;
  })
  .meta({ description: 'What the device can do; stop-copy is mandatory (include/uapi/linux/vfio.h).' });

const dmaLogging = z
  .union([
    truth('Whether the device can log its DMA, with the usual limits.'),
    section({
      ranges: count(1, 256, 'DMA ranges that it can log (mlx5: 255; the kernel passes on at most 256).').prefault(255),
      pageSize: size(
        'What one bit of its log covers; a power of two from 4KiB up, the page size by default.',
      ).optional(),
    }),
  ])
  .prefault(false);

const state = section({
  initial: size('Initial bytes of pre-copy (VFIO_MIG_GET_PRECOPY_INFO).').prefault(0),
  dirtyRate: quantity<DataRateText>(DATA_RATE, 'Growth of pre-copy data that changed again.').prefault(0),
  stopCopy: size('All that must be sent if the device stopped now (MIG_DATA_SIZE); initial is part of it.'),
});

const times = section({
  preCopy: duration('To enter PRE_COPY.').prefault(0),
  p2p: duration('To enter RUNNING_P2P or PRE_COPY_P2P: the quiesce.').prefault(0),
  stop: duration('To enter STOP.').prefault(0),
  stopCopy: duration('To enter STOP_COPY.').prefault(0),
  resuming: duration('To enter RESUMING.').prefault(0),
  run: duration('To enter RUNNING.').prefault(0),
  loadInitial: duration(
    'To allocate what it needs on the destination, from the arrival of its initial data on; switchover-ack waits for it.',
  ).prefault(0),
  load: duration('To load the rest of its state on the destination.').prefault(0),
  reset: duration('VFIO_DEVICE_RESET.').prefault(0),
}).prefault({});

const device = z.discriminatedUnion('kind', [
  section({
    id,
    kind: z.literal('nic'),
    features,
    dmaLogging,
    dma: section({
      rate: quantity<DataRateText>(DATA_RATE, 'Received data.'),
      ring: size('The buffers that it is written to, in turn.'),
      at,
    }).optional(),
    state,
    times,
  }),
  section({
    id,
    kind: z.literal('vgpu'),
    features,
    dmaLogging,
    mapped: size('Memory in its page tables, reported dirty as a whole at every query.'),
    scattered: truth('The mapped pages lie all over memory; else in one run from address 0.').prefault(true),
    state,
    times,
  }),
]);

const container = section({ id: id.optional(), iommu, devices: z.array(device) });

const policy = z
  .union([
    word(['qemu', 'no-progress'], 'The rule inside the vmm that ends pre-copy.'),
    z.discriminatedUnion('name', [
      section({ name: z.literal('qemu') }),
      section({
        name: z.literal('no-progress'),
        shrink: quantity<PercentText>(PERCENT, 'By how much a set must shrink to count as progress.').prefault('5%'),
      }),
    ]),
  ])
  .prefault('qemu');

const vmm = section({
  loop: word(LOOPS, 'Whose pre-copy loop.').prefault('qemu-10.2'),
  policy,
  downtimeLimit: duration("QEMU's downtime-limit.").prefault('300ms'),
  maxBandwidth: cap("QEMU's max-bandwidth; 128MiB/s by default as in QEMU, unlimited for the textbook.").optional(),
  availSwitchoverBandwidth: cap("QEMU's avail-switchover-bandwidth; 0: the last window is measured.").prefault(0),
  switchoverAck: truth("QEMU's switchover-ack capability.").prefault(false),
  enableMigration: word(['auto', 'on', 'off'], "The devices' enable-migration property.").prefault('auto'),
  pauseBeforeSwitchover: truth("QEMU's pause-before-switchover capability.").prefault(false),
  afterSyncError: word(['fail', 'allDirty'], 'What follows when a sync failed; fail is what QEMU does.').prefault(
    'fail',
  ),
}).prefault({});

const amount = leaf<number, number>({
  expected: 'a number',
  example: '300',
  json: { type: 'number', minimum: 0 },
  description: 'In the unit that the key ends with.',
  read: (input) =>
    typeof input === 'number' && Number.isFinite(input) && input >= 0 ? { value: input } : { hint: null },
});
const bounds = section({ min: amount.optional(), max: amount.optional() });

const commandNames = Object.keys(COMMANDS) as CommandName[];
const deadlines = section(
  Object.fromEntries(
    commandNames.map((name) => [name, duration(`Time limit; ${COMMANDS[name].deadlineMs} ms by default.`).optional()]),
  ) as Record<CommandName, z.ZodOptional<ReturnType<typeof duration>>>,
).prefault({});

export const scenarioSchema = section({
  name: line('What the scenario is called in reports.'),
  description: line('One sentence: what it shows.').optional(),
  vm,
  containers: z.array(container).prefault([]).describe('VFIO containers: each has an IOMMU and devices.'),
  link: section({
    bandwidth: quantity<DataRateText>(LINK_RATE, 'Of the migration link.').prefault('10Gbit/s'),
    latency: duration('One way.').prefault(0),
  }).prefault({}),
  sender: section({
    page: cost('Per page that is sent with its content.').prefault(0),
    zeroPage: cost('Per page that is found to be zero.').prefault(0),
    firstTouch: cost('On the destination, per page that it receives for the first time.').prefault(0),
    sync: duration('Per sync of the dirty bitmap.').prefault(0),
    syncPage: cost('Per sync and page of guest memory.').prefault(0),
  }).prefault({}),
  hosts: section({
    source: section({
      stopVcpus: duration('To stop the vCPUs.').prefault(0),
      resumeVcpus: duration('To let them run again after a roll-back.').prefault(0),
      startDirtyLog: duration('To switch the dirty log on.').prefault(0),
    }).prefault({}),
    destination: section({
      prepare: duration('To get the destination ready to receive.').prefault(0),
      load: duration('To load the state of the machine, devices aside.').prefault(0),
      resume: duration('From the order to run to running vCPUs.').prefault(0),
    }).prefault({}),
  }).prefault({}),
  storage: section({
    release: duration('For the source to let go of the disks.').prefault(0),
    acquire: duration('For a host to take them.').prefault(0),
  }).prefault({}),
  vmm,
  manager: section({ policy: word(['none'], 'Who turns the knobs of the vmm.').prefault('none') }).prefault({}),
  giveUpAfter: duration('Of virtual time; then the outcome is unconverged.').prefault('1h'),
  cancelAt: duration("When the scenario's own operator cancels.").optional(),
  deadlines,
  expect: section({
    outcome: word(OUTCOMES, 'How the run ends.').optional(),
    downtimeMs: bounds.optional(),
    totalMs: bounds.optional(),
    rounds: bounds.optional(),
  }).prefault({}),
  seed: count(0, 2 ** 32 - 1, 'Of everything random.').prefault(1),
  checks: section({
    truth: word(['bit', 'versions', 'both'], 'How the lost-write check knows the content of pages.').prefault('bit'),
  }).prefault({}),
});

/** What a person may write, in a file or as a typed object. Quantities are texts with units. */
export type ScenarioInput = Unchanged<z.input<typeof scenarioSchema>>;
/** What the schema makes of it: quantities are numbers, names are still the file's. */
export type ReadScenario = z.output<typeof scenarioSchema>;

/** Readonly all the way down, so that an object that ends in `as const` is taken too. */
type Unchanged<T> = T extends object ? { readonly [Key in keyof T]: Unchanged<T[Key]> } : T;
