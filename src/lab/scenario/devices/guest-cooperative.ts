/**
 * `guest-cooperative`: nothing tracks its DMA, and the guest's driver helps to migrate it. It has VFIO migration states like
 * any other device, and no DMA log.
 */
import { z } from 'zod';
import { count, section, truth, word } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, checkWhole, finding, type Path } from '../places.ts';
import { cost, dataRate, duration, printCost, printDataRate, printDuration, printSize, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';

export interface GuestCooperativeDevice extends AnyDevice {
  readonly kind: 'guest-cooperative';
  /** What its DMA can reach, one part behind the other from `atBytes` on: ring, late buffers, coherent memory. */
  readonly dma: {
    readonly bytesPerSecond: number;
    readonly atBytes: number;
    readonly ringBytes: number;
    /** Buffers that the driver hands out once it has been notified. */
    readonly lateBytes: number;
    readonly coherentBytes: number;
  };
  readonly cooperation: {
    /** Whether the guest's driver helps at all. */
    readonly cooperates: boolean;
    readonly mode: Mode;
    readonly notifyNs: number;
    readonly haltNs: number;
    readonly writePageNs: number;
    readonly resumeNs: number;
    readonly vcpu: number;
    readonly dmaApi: 'plain' | 'dirtyAtUnmap';
    readonly haltDuring: 'switchover' | 'precopy';
  };
}

const MODES = ['suspend', 'quiesce'] as const;
type Mode = (typeof MODES)[number];

/**
 * How long a driver takes to halt and to go on, by what it does: a suspended one frees and sets up everything anew, a
 * quiesced one keeps it. Nobody published figures: this project's own.
 */
const TIMES_NS: Readonly<Record<Mode, { readonly haltNs: number; readonly resumeNs: number }>> = {
  suspend: { haltNs: 20_000_000, resumeNs: 100_000_000 },
  quiesce: { haltNs: 1_000_000, resumeNs: 1_000_000 },
};
/** One page of descriptors and more for each queue of a few; this project's own. */
const COHERENT_BYTES = 65_536;

const { id, features, dmaLogging: _, preCopyDirtyTracking: __, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('guest-cooperative'),
  features,
  dma: section({
    rate: dataRate('Received data.'),
    ring: size('The streaming buffers that it is written to, in turn.'),
    late: size('Further buffers that the driver hands out once it has been notified; behind the ring.').prefault(0),
    coherent: size('Descriptor rings and the like, behind both.').prefault(COHERENT_BYTES),
    at: size('Where the ring begins; a whole number of pages.').prefault(0),
  }),
  cooperation: section({
    cooperates: truth('Whether the driver in the guest helps; without it the migration is blocked.').prefault(true),
    mode: word(
      MODES,
      'suspend: the driver takes its device down and sets it up anew; quiesce: it only stops using it.',
    ).prefault('quiesce'),
    notify: duration('Until the guest has heard of the migration; 1 ms by default.').prefault('1ms'),
    halt: duration('Until the DMA has halted; by default 20 ms to suspend, 1 ms to quiesce.').optional(),
    writePage: cost('The dummy write of one page, of its vCPU; 500 ns by default.').prefault('500ns'),
    resume: duration('Until the driver has gone on; by default 100 ms after suspend, 1 ms after quiesce.').optional(),
    vcpu: count(0, 65_535, 'The vCPU that the driver runs on.').prefault(0),
    dmaApi: word(
      ['plain', 'dirtyAtUnmap'],
      'dirtyAtUnmap: the guest writes to each buffer when it is unmapped, so that completed ones are known at once.',
    ).prefault('plain'),
    haltDuring: word(
      ['switchover', 'precopy'],
      'precopy: the DMA is halted shortly at every sync as well, the pages written, and the DMA resumed.',
    ).prefault('switchover'),
  }).prefault({}),
  ...rest,
});

export const guestCooperative = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): GuestCooperativeDevice => {
    const { cooperates, mode, notify, halt, writePage, resume, vcpu, dmaApi, haltDuring } = read.cooperation;
    return {
      kind: 'guest-cooperative',
      ...normaliseCommon({ ...read, dmaLogging: false, preCopyDirtyTracking: undefined }, pageSizeBytes),
      dma: {
        bytesPerSecond: read.dma.rate,
        atBytes: read.dma.at,
        ringBytes: read.dma.ring,
        lateBytes: read.dma.late,
        coherentBytes: read.dma.coherent,
      },
      cooperation: {
        cooperates,
        mode,
        notifyNs: notify,
        haltNs: halt ?? TIMES_NS[mode].haltNs,
        writePageNs: writePage,
        resumeNs: resume ?? TIMES_NS[mode].resumeNs,
        vcpu,
        dmaApi,
        haltDuring,
      },
    };
  },
  check: (device: GuestCooperativeDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...checkDma(device.dma, vm, [...path, 'dma']),
    ...(device.cooperation.vcpu < vm.vcpus
      ? []
      : [finding([...path, 'cooperation', 'vcpu'], `must be less than vm.vcpus, which is ${vm.vcpus}`)]),
  ],
  print: (device: GuestCooperativeDevice): z.input<typeof schema> => {
    const { dmaLogging: _, ...common } = printCommon(device);
    const { dma, cooperation } = device;
    return {
      kind: device.kind,
      ...common,
      dma: {
        rate: printDataRate(dma.bytesPerSecond),
        ring: printSize(dma.ringBytes),
        late: printSize(dma.lateBytes),
        coherent: printSize(dma.coherentBytes),
        at: printSize(dma.atBytes),
      },
      cooperation: {
        cooperates: cooperation.cooperates,
        mode: cooperation.mode,
        notify: printDuration(cooperation.notifyNs),
        halt: printDuration(cooperation.haltNs),
        writePage: printCost(cooperation.writePageNs),
        resume: printDuration(cooperation.resumeNs),
        vcpu: cooperation.vcpu,
        dmaApi: cooperation.dmaApi,
        haltDuring: cooperation.haltDuring,
      },
    };
  },
};

/** The parts lie one behind the other, so each is whole pages and all of them fit. */
function checkDma(dma: GuestCooperativeDevice['dma'], vm: Vm, path: Path): readonly Finding[] {
  const { atBytes, ringBytes, lateBytes, coherentBytes } = dma;
  const found: Finding[] = [
    ...checkRange(path, 'ring', atBytes, ringBytes, vm),
    ...checkWhole([...path, 'ring'], ringBytes, vm.pageSizeBytes),
    ...checkWhole([...path, 'late'], lateBytes, vm.pageSizeBytes),
    ...checkWhole([...path, 'coherent'], coherentBytes, vm.pageSizeBytes),
  ];
  if (found.length > 0 || atBytes + ringBytes + lateBytes + coherentBytes <= vm.memoryBytes) return found;
  return [finding([...path, 'ring'], 'with late and coherent behind it, does not fit into vm.memory')];
}
