/**
 * What every kind of device has: its name, its VFIO features, its DMA log, the sizes of its state, and its times. A kind
 * is a file beside this one and says what its device writes.
 */
import { z } from 'zod';
import type { FeatureMask } from '../../../../machines/words.ts';
import { count, leaf, section, truth, word } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { finding, type Path, sizeText } from '../places.ts';
import { FEATURES, type Feature } from '../scenario.ts';
import { dataRate, duration, printDataRate, printDuration, printSize, size } from '../values.ts';

export interface AnyDevice {
  readonly id: string;
  /** `VFIO_MIGRATION_*` bits. */
  readonly featureMask: FeatureMask;
  /** Null: the device cannot log its DMA. */
  readonly dmaLogging: DmaLogging | null;
  /** QEMU's x-pre-copy-dirty-page-tracking=off; absent: on. Nothing is reported from its container until it stops. */
  readonly preCopyDirtyTracking?: false;
  readonly state: DeviceStateSizes;
  readonly times: DeviceTimes;
  /** When it is plugged and unplugged, ns on the run's clock; absent: it is there from the start, and to the end. */
  readonly pluggedAtNs?: number;
  readonly unpluggedAtNs?: number;
}

export interface DmaLogging {
  readonly maxRanges: number;
  readonly pageSizeBytes: number;
  /** Whose tracker it is like in all else; absent: mlx5's. */
  readonly preset?: LoggerPreset;
  /** Devices that name the same physical function share its limits. */
  readonly physicalFunction?: string;
}

/** Drivers whose devices log. Those of hisi migrate and do not. */
const PRESETS = ['mlx5', 'pds'] as const;
type LoggerPreset = (typeof PRESETS)[number];

/** What `VFIO_MIG_GET_PRECOPY_INFO` and `MIG_DATA_SIZE` are about. */
export interface DeviceStateSizes {
  readonly initialBytes: number;
  /** Growth of the pre-copy data that was already read and has changed since. */
  readonly dirtyBytesPerSecond: number;
  /** All that has to be sent if the device stopped now; `initialBytes` is part of it. */
  readonly stopCopyBytes: number;
  /** How fast it can be read; absent: as fast as the link takes it. */
  readonly readBytesPerSecond?: number;
}

/** How long the device takes to enter a state, to load its state on the destination, and to reset. */
export interface DeviceTimes {
  readonly preCopyNs: number;
  /** Entering RUNNING_P2P or PRE_COPY_P2P: the quiesce. */
  readonly p2pNs: number;
  readonly stopNs: number;
  readonly stopCopyNs: number;
  readonly resumingNs: number;
  readonly runNs: number;
  /** Resources on the destination, from the arrival of the initial data on: hidden by pre-copy with switchover-ack. */
  readonly loadInitialNs: number;
  readonly loadNs: number;
  readonly resetNs: number;
}

export const id = leaf<string, string>({
  expected: 'a name of lower-case letters, digits and hyphens',
  example: 'nic0',
  json: { type: 'string', pattern: '^[a-z0-9-]+$' },
  description: 'Name in records, reports and messages.',
  read: (input) => (typeof input === 'string' && /^[a-z0-9-]+$/.test(input) ? { value: input } : { hint: null }),
});

const features = z
  .array(word(Object.keys(FEATURES) as Feature[], 'A VFIO_MIGRATION_* feature of the device.'))
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
    leaf<boolean | LoggerPreset | 'hisi', boolean | LoggerPreset>({
      expected: 'true or false',
      words: [...PRESETS, 'hisi'],
      json: { enum: [true, false, ...PRESETS, 'hisi'] },
      description: 'Whether the device can log its DMA, with the usual limits, or whose driver it has: hisi cannot.',
      read: (input) => {
        if (input === 'hisi') return { value: false };
        const preset = PRESETS.find((name) => name === input);
        if (preset !== undefined) return { value: preset };
        return typeof input === 'boolean' ? { value: input } : { hint: null };
      },
    }),
    section({
      preset: word(PRESETS, 'Whose tracker it is like; mlx5 by default.').optional(),
      physicalFunction: id.describe('Devices that name the same one share its limits.').optional(),
      ranges: count(
        1,
        256,
        'DMA ranges that it can log (mlx5: 255, pds: 1; the kernel passes on at most 256); 255, or the preset’s.',
      ).optional(),
      pageSize: size(
        'What one bit of its log covers; a power of two from 4KiB up, the page size by default.',
      ).optional(),
    }),
  ])
  .prefault(false);

const preCopyDirtyTracking = truth(
  'QEMU’s x-pre-copy-dirty-page-tracking; off: its container reports nothing until it stops. On by default.',
).optional();

const state = section({
  initial: size('Initial bytes of pre-copy (VFIO_MIG_GET_PRECOPY_INFO).').prefault(0),
  dirtyRate: dataRate('Growth of pre-copy data that changed again.').prefault(0),
  stopCopy: size('All that must be sent if the device stopped now (MIG_DATA_SIZE); initial is part of it.'),
  readRate: dataRate('How fast its state can be read; as fast as the link takes it by default.').optional(),
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

/** Keys that every kind of device has; a kind spreads them into its own section. */
export const commonKeys = {
  id,
  features,
  dmaLogging,
  preCopyDirtyTracking,
  state,
  times,
  pluggedAt: duration('When an operator plugs it; it is there from the start by default.').optional(),
  unpluggedAt: duration(
    'When an operator unplugs it; it stays by default. Every loop of QEMU refuses both.',
  ).optional(),
};
const commonSchema = section(commonKeys);
type ReadCommon = z.output<typeof commonSchema>;

/**
 * mlx5's firmware field allows 255 ranges at most (drivers/vfio/pci/mlx5); what a logger has unless it says otherwise. pds
 * has one (drivers/vfio/pci/pds/dirty.c).
 */
const LOGGER_RANGES_MAX = { mlx5: 255, pds: 1 } as const;

export function normaliseCommon(read: ReadCommon, pageSizeBytes: number): AnyDevice {
  return {
    id: read.id,
    featureMask: read.features,
    dmaLogging: normaliseLogging(read.dmaLogging, pageSizeBytes),
    ...(read.preCopyDirtyTracking === false ? { preCopyDirtyTracking: false as const } : {}),
    state: {
      initialBytes: read.state.initial,
      dirtyBytesPerSecond: read.state.dirtyRate,
      stopCopyBytes: read.state.stopCopy,
      ...(read.state.readRate === undefined || read.state.readRate === 0
        ? {}
        : { readBytesPerSecond: read.state.readRate }),
    },
    times: {
      preCopyNs: read.times.preCopy,
      p2pNs: read.times.p2p,
      stopNs: read.times.stop,
      stopCopyNs: read.times.stopCopy,
      resumingNs: read.times.resuming,
      runNs: read.times.run,
      loadInitialNs: read.times.loadInitial,
      loadNs: read.times.load,
      resetNs: read.times.reset,
    },
    ...(read.pluggedAt === undefined || read.pluggedAt === 0 ? {} : { pluggedAtNs: read.pluggedAt }),
    ...(read.unpluggedAt === undefined ? {} : { unpluggedAtNs: read.unpluggedAt }),
  };
}

function normaliseLogging(read: ReadCommon['dmaLogging'], pageSizeBytes: number): DmaLogging | null {
  if (read === false) return null;
  const { preset, physicalFunction, ranges, pageSize } =
    read === true ? EMPTY_LOGGING : typeof read === 'string' ? { ...EMPTY_LOGGING, preset: read } : read;
  return {
    maxRanges: ranges ?? LOGGER_RANGES_MAX[preset ?? 'mlx5'],
    pageSizeBytes: pageSize ?? pageSizeBytes,
    ...(preset === undefined ? {} : { preset }),
    ...(physicalFunction === undefined ? {} : { physicalFunction }),
  };
}

type ReadLogging = Exclude<ReadCommon['dmaLogging'], boolean | string>;
const EMPTY_LOGGING: { readonly [K in keyof Required<ReadLogging>]: ReadLogging[K] } = {
  preset: undefined,
  physicalFunction: undefined,
  ranges: undefined,
  pageSize: undefined,
};

export function checkCommon({ state, dmaLogging, featureMask }: AnyDevice, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  const preCopy = (featureMask & FEATURES['pre-copy']) !== 0;
  if (!preCopy && state.initialBytes > 0) {
    found.push(
      finding([...path, 'state', 'initial'], 'only a device with pre-copy among its features has initial data'),
    );
  }
  if (!preCopy && state.dirtyBytesPerSecond > 0) {
    found.push(
      finding([...path, 'state', 'dirtyRate'], 'only a device with pre-copy among its features has pre-copy data'),
    );
  }
  if (state.initialBytes > state.stopCopyBytes) {
    found.push(
      finding([...path, 'state', 'stopCopy'], `includes initial, so it is at least ${sizeText(state.initialBytes)}`),
    );
  }
  if (
    dmaLogging !== null &&
    !(dmaLogging.pageSizeBytes >= 4096 && Number.isInteger(Math.log2(dmaLogging.pageSizeBytes)))
  ) {
    found.push(finding([...path, 'dmaLogging', 'pageSize'], 'must be a power of two from 4KiB up'));
  }
  return found;
}

export function printCommon(device: AnyDevice) {
  const { id, featureMask, dmaLogging, preCopyDirtyTracking, state, times, pluggedAtNs, unpluggedAtNs } = device;
  const words = Object.keys(FEATURES) as Feature[];
  return {
    id,
    features: words.filter((word) => (featureMask & FEATURES[word]) !== 0),
    dmaLogging:
      dmaLogging === null
        ? (false as const)
        : {
            ...(dmaLogging.preset === undefined ? {} : { preset: dmaLogging.preset }),
            ...(dmaLogging.physicalFunction === undefined ? {} : { physicalFunction: dmaLogging.physicalFunction }),
            ranges: dmaLogging.maxRanges,
            pageSize: printSize(dmaLogging.pageSizeBytes),
          },
    ...(preCopyDirtyTracking === undefined ? {} : { preCopyDirtyTracking }),
    state: {
      initial: printSize(state.initialBytes),
      dirtyRate: printDataRate(state.dirtyBytesPerSecond),
      stopCopy: printSize(state.stopCopyBytes),
      ...(state.readBytesPerSecond === undefined ? {} : { readRate: printDataRate(state.readBytesPerSecond) }),
    },
    times: {
      preCopy: printDuration(times.preCopyNs),
      p2p: printDuration(times.p2pNs),
      stop: printDuration(times.stopNs),
      stopCopy: printDuration(times.stopCopyNs),
      resuming: printDuration(times.resumingNs),
      run: printDuration(times.runNs),
      loadInitial: printDuration(times.loadInitialNs),
      load: printDuration(times.loadNs),
      reset: printDuration(times.resetNs),
    },
    ...(pluggedAtNs === undefined ? {} : { pluggedAt: printDuration(pluggedAtNs) }),
    ...(unpluggedAtNs === undefined ? {} : { unpluggedAt: printDuration(unpluggedAtNs) }),
  };
}
