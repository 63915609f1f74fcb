/**
 * What a scenario can say about iommufd's dirty tracking besides its leaf: how writes are found, when large leaves are split,
 * how often the IOTLB is flushed, and what all of it costs. Keys of the `iommu` section; absent, they mean what the kernel
 * does today, free of charge.
 */
import type { z } from 'zod';
import { entriesPerLeaf, leafSizes } from '../../hardware/iommu/iommu-hardware.ts';
import {
  FLUSH_POLICIES,
  type FlushPolicy,
  type IommuCosts,
  SPLIT_STRATEGIES,
  type SplitStrategy,
} from '../../hardware/iommu/iommu-spec.ts';
import type { Device } from './devices/device.ts';
import type { Iommu } from './iommu.ts';
import { count, leaf, section, truth, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path, sizeText } from './places.ts';
import { cost, duration, printCost, printDuration } from './values.ts';

/** Each is absent where the scenario has none. */
export interface IommufdOptions {
  readonly split?: SplitStrategy;
  readonly collapseAfterNs?: number;
  readonly flush?: FlushPolicy;
  readonly writeProtect?: { readonly pageRequests: boolean };
  /** Ids of devices. */
  readonly withoutDirtyBits?: readonly string[];
  readonly costs?: IommuCosts;
}

const costsSchema = section({
  flush: cost('Per IOTLB invalidation; nobody published one, sweep 1us to 100us.').prefault('10us'),
  walk: cost("Per entry of the page table that a query's walk passes, dirty or not.").prefault('1ns'),
  split: cost('Per entry that a split makes.').prefault('61ns'),
  miss: cost('What a device waits for a translation that the IOTLB does not have.').prefault('250ns'),
  pageRequest: cost("writeProtect: what a device waits for a page request's answer.").prefault('20us'),
  iotlbEntries: count(1, 2 ** 24, 'Translations that the IOTLB holds, whatever their size.').prefault(512),
});

const deviceIds = leaf<readonly string[], readonly string[]>({
  expected: 'a list of device ids',
  example: '[nic1]',
  json: { type: 'array', items: { type: 'string' } },
  description: 'Devices behind an IOMMU without dirty bits: their attach fails.',
  read: (input) =>
    Array.isArray(input) && input.every((id) => typeof id === 'string') ? { value: input } : { hint: null },
});

/** Keys of the `iommu` section. */
export const iommufdShape = {
  split: word(
    SPLIT_STRATEGIES,
    'When a large leaf becomes leaves of a page. eager: when tracking starts; onDirty: found dirty since the VM was provisioned. Both hypothetical: no kernel splits.',
  ).optional(),
  collapseAfter: duration(
    'split: eager: how long after the stop the leaves become large again; 1s by default.',
  ).optional(),
  flush: word(
    FLUSH_POLICIES,
    'IOTLB invalidations of a query. per-page, one for each leaf that it cleared, is hypothetical.',
  ).optional(),
  writeProtect: section({
    pageRequests: truth('Every device has ATS and PRI, and waits for a page; else its write is aborted.'),
  })
    .describe('Hypothetical: writes are found by taking the write permission away, not by dirty bits.')
    .optional(),
  withoutDirtyBits: deviceIds.optional(),
  costs: costsSchema
    .describe('What tracking and translating cost, the devices included. Absent: free of charge.')
    .optional(),
};

type Read = { readonly [Key in keyof typeof iommufdShape]?: z.output<(typeof iommufdShape)[Key]> };
type Written = { [Key in keyof typeof iommufdShape]?: z.input<(typeof iommufdShape)[Key]> };

export function normaliseIommufd(read: Read): IommufdOptions {
  const { split, collapseAfter, flush, writeProtect, withoutDirtyBits, costs } = read;
  return {
    ...(split === undefined ? {} : { split }),
    ...(collapseAfter === undefined ? {} : { collapseAfterNs: collapseAfter }),
    ...(flush === undefined ? {} : { flush }),
    ...(writeProtect === undefined ? {} : { writeProtect }),
    ...(withoutDirtyBits === undefined ? {} : { withoutDirtyBits }),
    ...(costs === undefined ? {} : { costs: normaliseCosts(costs) }),
  };
}

function normaliseCosts({
  flush,
  walk,
  split,
  miss,
  pageRequest,
  iotlbEntries,
}: z.output<typeof costsSchema>): IommuCosts {
  return { flushNs: flush, walkNs: walk, splitNs: split, missNs: miss, pageRequestNs: pageRequest, iotlbEntries };
}

interface Around {
  readonly devices: readonly Device[];
  readonly pageSizeBytes: number;
  readonly behindViommu: boolean;
}

export function checkIommufd(iommu: Iommu, around: Around, path: Path): readonly Finding[] {
  const { kind, dirtyTracking, hardware, leafBytes, options = {} } = iommu;
  const { pageSizeBytes } = around;
  const found: Finding[] = [];
  const add = (key: string, message: string) => found.push(finding([...path, key], message));
  if (kind !== 'iommufd' || hardware === null || !dirtyTracking) {
    for (const key of Object.keys(options)) {
      add(key === 'collapseAfterNs' ? 'collapseAfter' : key, 'is for kind: iommufd with dirtyTracking: true');
    }
    return found;
  }
  if (leafBytes > pageSizeBytes && entriesPerLeaf(hardware, leafBytes, pageSizeBytes) === undefined) {
    const sizes = leafSizes(hardware, pageSizeBytes).map(sizeText).join(', ');
    add('leaf', `${hardware} has no such leaf for hosts with pages of ${sizeText(pageSizeBytes)}: ${sizes}`);
  }
  if (options.collapseAfterNs !== undefined && options.split !== 'eager') {
    add('collapseAfter', 'only split: eager makes leaves large again');
  }
  if (options.split === 'onDirty' && options.writeProtect !== undefined) {
    add('split', 'onDirty splits by dirty bits, and writeProtect has none');
  }
  if (options.split === 'onDirty' && around.behindViommu) {
    add('split', 'onDirty has nothing to look back on: behind a vIOMMU mappings come and go');
  }
  for (const id of options.withoutDirtyBits ?? []) {
    const known = around.devices.some((device) => device.id === id);
    const refused = `attach of ${id} fails with EINVAL: its IOMMU has no dirty bits and the container's page table needs them; put it in a container of its own, or dirtyTracking: false`;
    add('withoutDirtyBits', known ? refused : `the container has no device ${id}`);
  }
  return found;
}

export function printIommufd(options: IommufdOptions): Written {
  const { collapseAfterNs, costs, withoutDirtyBits, ...same } = options;
  return {
    ...same,
    ...(collapseAfterNs === undefined ? {} : { collapseAfter: printDuration(collapseAfterNs) }),
    ...(withoutDirtyBits === undefined ? {} : { withoutDirtyBits: [...withoutDirtyBits] }),
    ...(costs === undefined ? {} : { costs: printCosts(costs) }),
  };
}

function printCosts({
  flushNs,
  walkNs,
  splitNs,
  missNs,
  pageRequestNs,
  iotlbEntries,
}: IommuCosts): z.input<typeof costsSchema> {
  return {
    flush: printCost(flushNs),
    walk: printCost(walkNs),
    split: printCost(splitNs),
    miss: printCost(missNs),
    pageRequest: printCost(pageRequestNs),
    iotlbEntries,
  };
}
