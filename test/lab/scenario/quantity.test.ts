/** Every form of every quantity, by hand-computed tables (IEC 80000-13 prefixes, SI prefixes, 8 bits a byte); and the way back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COST,
  DATA_RATE,
  DURATION,
  LINK_RATE,
  PERCENT,
  patternOf,
  printQuantity,
  printVcpuSet,
  type Quantity,
  readQuantity,
  readVcpuSet,
  SIZE,
  WRITE_RATE,
} from '../../../src/lab/scenario/quantity.ts';

const READ: readonly (readonly [string, Quantity, unknown, number])[] = [
  ['size', SIZE, 0, 0],
  ['size', SIZE, 4096, 4096],
  ['size', SIZE, '4096', 4096],
  ['size', SIZE, '1B', 1],
  ['size', SIZE, '1kB', 1_000],
  ['size', SIZE, '1KB', 1_000],
  ['size', SIZE, '350MB', 350_000_000],
  ['size', SIZE, '2GB', 2_000_000_000],
  ['size', SIZE, '1TB', 1_000_000_000_000],
  ['size', SIZE, '1PB', 1_000_000_000_000_000],
  ['size', SIZE, '1KiB', 1_024],
  ['size', SIZE, '64MiB', 67_108_864],
  ['size', SIZE, '16GiB', 17_179_869_184],
  ['size', SIZE, '1TiB', 1_099_511_627_776],
  ['size', SIZE, '1PiB', 1_125_899_906_842_624],
  ['size', SIZE, ' 16 GiB ', 17_179_869_184],
  ['size', SIZE, '1.5GiB', 1_610_612_736],
  ['size', SIZE, '0.1KiB', 102],
  ['size', SIZE, '1e3B', 1_000],
  ['size', SIZE, 9_007_199_254_740_991, 9_007_199_254_740_991],
  ['data rate', DATA_RATE, '1B/s', 1],
  ['data rate', DATA_RATE, '100MB/s', 100_000_000],
  ['data rate', DATA_RATE, '1GiB/s', 1_073_741_824],
  ['data rate', DATA_RATE, '20 MiB/s', 20_971_520],
  ['data rate', DATA_RATE, '8bit/s', 1],
  ['data rate', DATA_RATE, 0, 0],
  ['data rate', DATA_RATE, '0', 0],
  ['bandwidth', LINK_RATE, '10Gbit/s', 1_250_000_000],
  ['bandwidth', LINK_RATE, '25Gbit/s', 3_125_000_000],
  ['bandwidth', LINK_RATE, '100Mbit/s', 12_500_000],
  ['bandwidth', LINK_RATE, '1kbit/s', 125],
  ['write rate', WRITE_RATE, '5/s', 5],
  ['write rate', WRITE_RATE, '200k/s', 200_000],
  ['write rate', WRITE_RATE, '1.5M/s', 1_500_000],
  ['write rate', WRITE_RATE, '1G/s', 1_000_000_000],
  ['write rate', WRITE_RATE, '20k writes/s', 20_000],
  ['write rate', WRITE_RATE, '7 writes/s', 7],
  ['write rate', WRITE_RATE, '0.5/s', 0.5],
  ['duration', DURATION, '10ns', 10],
  ['duration', DURATION, '50us', 50_000],
  ['duration', DURATION, '50µs', 50_000],
  ['duration', DURATION, '300ms', 300_000_000],
  ['duration', DURATION, '5s', 5_000_000_000],
  ['duration', DURATION, '2m', 120_000_000_000],
  ['duration', DURATION, '2min', 120_000_000_000],
  ['duration', DURATION, '1h', 3_600_000_000_000],
  ['duration', DURATION, '0.3s', 300_000_000],
  ['duration', DURATION, '0.4ns', 0],
  ['duration', DURATION, 0, 0],
  ['cost', COST, '0.4ns', 0.4],
  ['cost', COST, '1us', 1_000],
  ['percentage', PERCENT, '20%', 20],
  ['percentage', PERCENT, '0.5 %', 0.5],
  ['percentage', PERCENT, '100%', 100],
];

describe('a quantity', () => {
  it.each(READ)('%s is read: %o %o', (_, quantity, text, value) => {
    expect(readQuantity(quantity, text)).toEqual({ value });
  });

  it.each([
    ['size without a proper unit', SIZE, '16G', 'write 16GiB (binary) or 16GB (decimal)'],
    ['size without a proper unit', SIZE, '16gb', 'write 16GiB (binary) or 16GB (decimal)'],
    ['size with a fraction of a byte', SIZE, 1.5, 'without a unit it is a whole number of bytes'],
    ['negative size', SIZE, -1, 'it cannot be negative'],
    ['negative size', SIZE, '-1GiB', 'it cannot be negative'],
    ['too large a size', SIZE, '9PiB', 'the largest is 9007199254740991B'],
    ['too large a size', SIZE, 1e300, 'the largest is 9007199254740991B'],
    ['endless size', SIZE, Number.POSITIVE_INFINITY, 'the largest is 9007199254740991B'],
    ['size that is no number', SIZE, Number.NaN, null],
    ['size that is no number', SIZE, 'NaN', null],
    ['size that is no number', SIZE, 'much', null],
    ['empty size', SIZE, '', null],
    ['unit alone', SIZE, 'GiB', null],
    ['rate as a size', SIZE, '1GiB/s', null],
    ['two sizes', SIZE, '1GiB 2MiB', null],
    ['property of all objects', SIZE, '1constructor', null],
    ['truth value', SIZE, true, null],
    ['null', SIZE, null, null],
    ['list', SIZE, ['1GiB'], null],
    ['rate without a unit', DATA_RATE, 1000, null],
    ['rate without a unit', DATA_RATE, '1000', null],
    ['size as a rate', DATA_RATE, '1GiB', null],
    ['rate in bits or bytes', LINK_RATE, '10Gb/s', 'write 10Gbit/s for bits or 10GB/s for bytes'],
    ['rate in bits or bytes', LINK_RATE, '10Gbps', 'write 10Gbit/s for bits or 10GB/s for bytes'],
    ['negative rate', DATA_RATE, '-1MB/s', 'it cannot be negative'],
    ['write rate without a unit', WRITE_RATE, '20k', null],
    ['write rate without a unit', WRITE_RATE, 20_000, null],
    ['negative write rate', WRITE_RATE, -5, 'it cannot be negative'],
    ['duration without a unit', DURATION, 300, null],
    ['duration without a unit', DURATION, '300', null],
    ['negative duration', DURATION, '-5s', 'it cannot be negative'],
    ['too long a duration', DURATION, '3000h', 'the largest is 9007199254740991ns'],
    ['percentage without its sign', PERCENT, '20', null],
    ['percentage above 100', PERCENT, '101%', 'the largest is 100%'],
  ] as const)('%s is refused', (_, quantity, text, hint) => {
    expect(readQuantity(quantity, text)).toEqual({ hint });
  });

  it.each([
    [SIZE, 0, 0],
    [SIZE, 350_000_000, '350MB'],
    [SIZE, 134_217_728, '128MiB'],
    [SIZE, 537_403_392, '524808KiB'],
    [SIZE, 1_610_612_736, '1536MiB'],
    [DATA_RATE, 1_073_741_824, '1GiB/s'],
    [LINK_RATE, 1_250_000_000, '10Gbit/s'],
    [WRITE_RATE, 200_000, '200k/s'],
    [WRITE_RATE, 0.25, '0.25/s'],
    [DURATION, 300_000_000, '300ms'],
    [DURATION, 3_600_000_000_000, '1h'],
    [DURATION, 10, '10ns'],
    [PERCENT, 5, '5%'],
  ] as const)('%o is printed: %d as %s', (quantity, value, text) => {
    expect(printQuantity(quantity, value)).toBe(text);
  });

  it.each([SIZE, DATA_RATE, LINK_RATE, WRITE_RATE, DURATION, COST, PERCENT])(
    'reads back what it prints: $noun',
    (quantity) => {
      const values = quantity.whole
        ? fc.maxSafeNat()
        : fc.double({ min: 0, max: quantity.max, noNaN: true, noDefaultInfinity: true });
      fc.assert(
        fc.property(values, (drawn) => {
          const value = drawn === 0 ? 0 : drawn;
          const text = printQuantity(quantity, value);
          expect(readQuantity(quantity, text)).toEqual({ value });
          expect(String(text)).toMatch(new RegExp(patternOf(quantity)));
        }),
      );
    },
  );

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('%d has no text', (value) => {
    expect(() => printQuantity(SIZE, value)).toThrow(RangeError);
  });

  it.each(READ.filter(([, , text]) => typeof text === 'string'))(
    '%s matches the pattern for editors: %o %o',
    (_, quantity, text) => {
      expect(text).toMatch(new RegExp(patternOf(quantity)));
    },
  );

  it.each([
    [SIZE, '16G'],
    [DURATION, '300'],
    [WRITE_RATE, '20k'],
    [LINK_RATE, '10Gb/s'],
  ] as const)('the pattern for editors refuses %o %s', (quantity, text) => {
    expect(text).not.toMatch(new RegExp(patternOf(quantity)));
  });
});

describe('a set of vCPUs', () => {
  it.each([
    [2, [2]],
    ['0', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['0-3,6', [0, 1, 2, 3, 6]],
    [' 6 , 0-1 ', [0, 1, 6]],
    ['1,1-2', [1, 2]],
    [
      [0, '2-3'],
      [0, 2, 3],
    ],
  ])('%o is %o', (text, value) => {
    expect(readVcpuSet(text)).toEqual({ value });
  });

  it.each([
    ['', null],
    [[], null],
    ['a', null],
    [-1, null],
    [1.5, null],
    ['1-', null],
    [null, null],
    [[[1]], null],
    ['3-1', '3-1 runs backwards'],
    ['0-4096', 'the largest number is 4095'],
  ])('%o is refused', (text, hint) => {
    expect(readVcpuSet(text)).toEqual({ hint });
  });

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200), { minLength: 1 }), (drawn) => {
        const value = drawn.sort((a, b) => a - b);
        expect(readVcpuSet(printVcpuSet(value))).toEqual({ value });
      }),
    );
    expect(printVcpuSet([0, 1, 2, 3, 6])).toBe('0-3,6');
  });
});
