import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksumOfEffects, crc32 } from '../../src/core/checksum.ts';
import type { Effect } from '../../src/core/effect.ts';

describe('crc32', () => {
  // 0xcbf43926 is the "check" value of CRC-32/ISO-HDLC in Greg Cook's catalogue of parametrised CRC algorithms. Of nothing the
  // initial value and the final inversion cancel out; that of one zero byte follows from the last entry of the table, 0x2d02ef8d (zlib, crc32.h).
  test.each([
    ['123456789', 0xcbf43926],
    ['', 0],
    ['\0', 0xd202ef8d],
  ])('of %j', (text, expected) => {
    expect(crc32(text)).toBe(expected);
  });

  test('is that of zlib for any text, lone surrogates included', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), loneSurrogates());
    fc.assert(
      fc.property(anyText, (text) => {
        expect(crc32(text)).toBe(zlibCrc32(Buffer.from(text, 'utf8')));
      }),
      { numRuns: 2_000 },
    );
  });

  test('of every code unit alone', () => {
    for (let unit = 0; unit <= 0xffff; unit += 7) {
      const text = String.fromCharCode(unit);
      expect(crc32(text), `U+${unit.toString(16)}`).toBe(zlibCrc32(Buffer.from(text, 'utf8')));
    }
  });
});

describe('checksumOfEffects', () => {
  const clear: Effect = { kind: 'clearTimer', id: '7:0', of: '3:1' };

  test('is the checksum of the effects as JSON', () => {
    expect(checksumOfEffects([clear])).toBe(zlibCrc32('[{"kind":"clearTimer","id":"7:0","of":"3:1"}]'));
    expect(checksumOfEffects([])).toBe(zlibCrc32('[]'));
  });

  test('differs when any effect differs, is missing, or comes at another place', () => {
    const other: Effect = { kind: 'abandon', id: '7:1', of: '3:2' };
    const sums = [[clear], [], [other], [clear, other], [other, clear], [{ ...clear, of: '3:2' } as Effect]].map(
      checksumOfEffects,
    );
    expect(new Set(sums).size).toBe(sums.length);
  });
});

function loneSurrogates(): fc.Arbitrary<string> {
  return fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((units) => String.fromCharCode(...units));
}
