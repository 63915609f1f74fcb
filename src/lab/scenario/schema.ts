/**
 * The shape of a scenario file, as a Zod schema: keys, kinds of value, defaults that depend on nothing else. It reads
 * quantities into numbers but keeps the file's names; what follows from other keys is normalise.ts, what must agree with
 * other keys is check.ts. Importing Zod takes tens of milliseconds, so only commands that read a scenario import this.
 */
import { z } from 'zod';
import { RANGE_RULES } from '../../../machines/iova-ranges.ts';
import { LOOPS } from '../../../machines/loops.ts';
import { OUTCOMES } from '../../../machines/messages.ts';
import { COMMANDS, type CommandName, TRACKER_CHOICES } from '../../../machines/words.ts';
import { id } from './devices/common.ts';
import { deviceSchema } from './devices/device.ts';
import { faultSchema } from './faults-schema.ts';
import { iommuSchema } from './iommu.ts';
import { count, leaf, quantity, section, truth, word } from './leaf.ts';
import { managerSchema } from './manager.ts';
import { connectionsShape } from './multifd.ts';
import { shadowsSchema } from './own-policies.ts';
import { policySchema } from './policy.ts';
import { postcopySchema } from './postcopy.ts';
import { DATA_RATE, type DataRateText, LINK_RATE, patternOf, readQuantity } from './quantity.ts';
import { throttleShape } from './throttle.ts';
import { cost, duration, size } from './values.ts';
import { viommuSchema } from './viommu.ts';
import { vmSchema } from './vm.ts';

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

const line = (description: string) =>
  leaf<string, string>({
    expected: 'a text',
    example: '"two NICs on 25 Gb/s"',
    json: { type: 'string', minLength: 1 },
    description,
    read: (input) => (typeof input === 'string' && input.trim() !== '' ? { value: input.trim() } : { hint: null }),
  });

const container = section({
  id: id.optional(),
  iommu: iommuSchema,
  viommu: viommuSchema.optional(),
  trackerChoice: word(TRACKER_CHOICES, 'Who decides between device logs and the IOMMU; qemu by default.').optional(),
  devices: z.array(deviceSchema),
});

const vmm = section({
  loop: word(LOOPS, 'Whose pre-copy loop.').prefault('qemu-10.2'),
  policy: policySchema.optional(),
  downtimeLimit: duration("QEMU's downtime-limit.").prefault('300ms'),
  maxBandwidth: cap(
    "QEMU's max-bandwidth; 128MiB/s by default as in QEMU, unlimited for the textbook. libvirt and what drives it set none unless told: write unlimited for them.",
  ).optional(),
  postcopy: postcopySchema,
  ...throttleShape,
  ...connectionsShape,
  maxPostcopyBandwidth: cap("QEMU's max-postcopy-bandwidth: of what is pushed; unlimited by default.").optional(),
  availSwitchoverBandwidth: cap("QEMU's avail-switchover-bandwidth; 0: the last window is measured.").prefault(0),
  switchoverAck: truth("QEMU's switchover-ack capability.").prefault(false),
  enableMigration: word(['auto', 'on', 'off'], "The devices' enable-migration property.").prefault('auto'),
  pauseBeforeSwitchover: truth("QEMU's pause-before-switchover capability.").prefault(false),
  afterSyncError: word(['fail', 'allDirty'], 'What follows when a sync failed; fail is what QEMU does.').prefault(
    'fail',
  ),
  ranges: word(
    RANGE_RULES,
    'DMA ranges that a device is asked to log: the mappings, or QEMU’s two or three; as the loop’s release by default.',
  ).optional(),
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
  vm: vmSchema,
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
    wire: section({
      pageHeader: size('Before the content of a page.'),
      zeroPage: size('All that is sent of a page that is zero.'),
    })
      .describe('Bytes on the wire in place of those of the loop.')
      .optional(),
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
  manager: managerSchema.describe('Who watches the vmm and turns its knobs.'),
  shadows: shadowsSchema(policySchema),
  giveUpAfter: duration('Of virtual time; then the outcome is unconverged.').prefault('1h'),
  cancelAt: z
    .union([
      duration("When the scenario's own operator cancels."),
      section({ record: count(1, 2 ** 32 - 1, 'Right after this record is written; 1 is the order to migrate.') }),
    ])
    .optional(),
  deadlines,
  faults: z.array(faultSchema).describe('What goes wrong: with a command, or in the world.').optional(),
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
