/**
 * CRC-32 of a text, and of the effects that a record caused.
 *
 * A record keeps the checksum of its effects instead of the effects, so that a replay which would have acted otherwise is
 * found at the first such record. It catches accidents and divergence, not forgery. Written out here because the core also
 * folds in a browser, where there is no zlib; the polynomial is that of IEEE 802.3, as zlib, PNG and gzip use it.
 */
import type { Effect } from './effect.ts';

/** x^32 + x^26 + x^23 + ... + 1, reflected: RFC 1952 section 8. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
});

const REPLACEMENT_CHARACTER = 0xfffd;

/** CRC-32 of the UTF-8 bytes of `text`, 0 to 2^32 - 1. A lone surrogate counts as U+FFFD, as every UTF-8 encoder has it. */
export function crc32(text: string): number {
  let crc = 0xffffffff;
  const feed = (byte: number) => {
    crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  };
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      feed(unit);
    } else if (unit < 0x800) {
      feed(0xc0 | (unit >> 6));
      feed(0x80 | (unit & 0x3f));
    } else {
      const point = codePointAt(text, index);
      if (point > 0xffff) {
        index++;
        feed(0xf0 | (point >> 18));
        feed(0x80 | ((point >> 12) & 0x3f));
      } else {
        feed(0xe0 | (point >> 12));
      }
      feed(0x80 | ((point >> 6) & 0x3f));
      feed(0x80 | (point & 0x3f));
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function codePointAt(text: string, index: number): number {
  const point = text.codePointAt(index)!;
  return point >= 0xd800 && point <= 0xdfff ? REPLACEMENT_CHARACTER : point;
}

/**
 * What a record holds as `effects`. The order of keys counts, so effects must be built the same way each time; a journal
 * keeps the order of an event's keys for the same reason.
 */
export function checksumOfEffects(effects: readonly Effect[]): number {
  return crc32(JSON.stringify(effects));
}
