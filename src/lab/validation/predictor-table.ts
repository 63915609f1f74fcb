/**
 * The published example of a migration-time predictor, as data: what was measured of the VM, and the times that the script
 * printed for it.
 *
 * Source: A. Gudkov, "[PATCH v2 0/4] Migration time prediction using calc-dirty-rate", qemu-devel, 27 April 2023. The round
 * counts and the times to a hundredth of a second are derived: the same loop, computed more finely than it was printed.
 */

/** In pages of 4096 bytes: of the VM, and of those that were looked at. */
export const MEASURED = { pageBytes: 4096, totalPages: 8_392_704, sampledPages: 16_392, zeroPages: 10_060 } as const;

/** Milliseconds since the clean state, and sampled pages that were dirty by then. */
export const DIRTY_SAMPLES: readonly (readonly [ms: number, pages: number])[] = [
  [125, 33],
  [250, 78],
  [375, 119],
  [500, 151],
  [750, 217],
  [1000, 236],
  [1500, 293],
  [2000, 336],
  [3000, 425],
  [4001, 505],
  [6000, 620],
  [8000, 756],
  [10_000, 898],
  [15_000, 1204],
  [20_000, 1457],
  [25_000, 1723],
  [30_000, 1934],
  [35_000, 2141],
  [40_000, 2328],
  [45_000, 2522],
  [50_000, 2675],
  [60_000, 2958],
];

/** On the wire, by that script: a page with content, and one that is zero. */
export const CONTENT_PAGE_BYTES = 4096 + 8;
export const ZERO_PAGE_BYTES = 8;

/** Later than this there is no prediction. */
export const GIVES_UP_AFTER_S = 3600;

/** `Infinity`: the guest may stand still for as long as it takes. */
export const DOWNTIMES_MS = [125, 250, 500, 1000, 5000, Number.POSITIVE_INFINITY] as const;

/** Its megabit is 2^20 bits and its gigabit 2^30. */
const MEGABIT_BYTES = 2 ** 20 / 8;
const GIGABIT_BYTES = 2 ** 30 / 8;

export interface PredictedRow {
  readonly bandwidth: string;
  readonly bytesPerSecond: number;
  /** Seconds by downtime, rounded up to whole ones; null: it does not converge. */
  readonly seconds: readonly (number | null)[];
}

export const PREDICTED: readonly PredictedRow[] = [
  { bandwidth: '100 Mbps', bytesPerSecond: 100 * MEGABIT_BYTES, seconds: [null, null, null, null, null, 1019] },
  { bandwidth: '1 Gbps', bytesPerSecond: GIGABIT_BYTES, seconds: [null, null, null, null, null, 100] },
  { bandwidth: '2 Gbps', bytesPerSecond: 2 * GIGABIT_BYTES, seconds: [null, null, null, null, 101, 50] },
  { bandwidth: '2.5 Gbps', bytesPerSecond: 2.5 * GIGABIT_BYTES, seconds: [null, null, null, null, 67, 40] },
  { bandwidth: '5 Gbps', bytesPerSecond: 5 * GIGABIT_BYTES, seconds: [48, 46, 31, 28, 25, 20] },
  { bandwidth: '10 Gbps', bytesPerSecond: 10 * GIGABIT_BYTES, seconds: [13, 12, 12, 12, 12, 10] },
  { bandwidth: '25 Gbps', bytesPerSecond: 25 * GIGABIT_BYTES, seconds: [5, 5, 5, 5, 4, 4] },
  { bandwidth: '40 Gbps', bytesPerSecond: 40 * GIGABIT_BYTES, seconds: [3, 3, 3, 3, 3, 3] },
];

/** Derived: seconds to a hundredth, and copies, by bandwidth and in the order of the downtimes; absent: not derived. */
export const DERIVED: Readonly<Record<string, readonly (readonly [seconds: number, copies: number] | undefined)[]>> = {
  '2 Gbps': [undefined, undefined, undefined, undefined, [100.87, 6], undefined],
  '2.5 Gbps': [undefined, undefined, undefined, undefined, [66.12, 4], undefined],
  '5 Gbps': [
    [47.74, 65],
    [45.64, 54],
    [30.66, 10],
    [27.08, 4],
    [24.43, 2],
    [19.89, 1],
  ],
  '10 Gbps': [
    [12.1, 5],
    [12.0, 4],
    [11.78, 3],
    [11.78, 3],
    [11.34, 2],
    [9.94, 1],
  ],
  '25 Gbps': [
    [4.35, 3],
    [4.35, 3],
    [4.29, 2],
    [4.29, 2],
    [3.98, 1],
    [3.98, 1],
  ],
};

/** Derived, at 10 Gbps and 125 ms: pages with content, and ms, copy by copy. */
export const COPIES_AT_10_GBPS: readonly (readonly [pages: number, ms: number])[] = [
  [3_241_984, 9943.8],
  [457_732, 1399.6],
  [144_157, 440.8],
  [69_551, 212.7],
  [33_055, 101.1],
];
