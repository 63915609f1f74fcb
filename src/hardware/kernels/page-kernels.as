/**
 * The loops over words of page bitmaps, in AssemblyScript: compiled by `npm run kernels` into page-kernels.generated.ts, so
 * that neither a build nor an install needs the compiler. typescript-kernels.ts is the same in plain TypeScript, and the
 * reference. Pointers are byte offsets into the imported memory; whoever calls has checked that they lie in it.
 *
 * Counts go through i64.popcnt: V8 turns it into one instruction, and i8x16.popcnt into a dozen. Bits are marked by scalar
 * loads and stores: what they wait for is the cache, not the width of a register.
 */

// ---- marking ----

/** Whether each of the eight pages of a list from `list` on is below `pages`. */
@inline
function eightInBounds(list: usize, pages: u32): bool {
  const most = i32x4.max_u(v128.load(list), v128.load(list, 16));
  return !v128.any_true(i32x4.ge_u(most, i32x4.splat(pages)));
}

/** Sets a page; returns 1 if it was set before, which costs nothing where nobody asks. */
@inline
function markOne(words: usize, page: u32): u32 {
  const at = words + (<usize>(page >>> 5) << 2);
  const old = load<u32>(at);
  store<u32>(at, old | (1 << (page & 31)));
  return (old >>> (page & 31)) & 1;
}

/** Sets the pages of a list; returns how many of the list were in bounds, up to the first that was not. */
export function mark(words: usize, pages: u32, list: usize, n: i32): i32 {
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = list + (<usize>i << 2);
    if (!eightInBounds(at, pages)) break;
    markOne(words, load<u32>(at));
    markOne(words, load<u32>(at, 4));
    markOne(words, load<u32>(at, 8));
    markOne(words, load<u32>(at, 12));
    markOne(words, load<u32>(at, 16));
    markOne(words, load<u32>(at, 20));
    markOne(words, load<u32>(at, 24));
    markOne(words, load<u32>(at, 28));
  }
  for (; i < n; i++) {
    const page = load<u32>(list + (<usize>i << 2));
    if (page >= pages) return i;
    markOne(words, page);
  }
  return n;
}

/** As `mark`; returns how many were not set before, or -1 - i when the i-th of the list is the first out of bounds. */
export function markCount(words: usize, pages: u32, list: usize, n: i32): i32 {
  let i = 0;
  let had: u32 = 0;
  for (; i + 8 <= n; i += 8) {
    const at = list + (<usize>i << 2);
    if (!eightInBounds(at, pages)) break;
    had += markOne(words, load<u32>(at));
    had += markOne(words, load<u32>(at, 4));
    had += markOne(words, load<u32>(at, 8));
    had += markOne(words, load<u32>(at, 12));
    had += markOne(words, load<u32>(at, 16));
    had += markOne(words, load<u32>(at, 20));
    had += markOne(words, load<u32>(at, 24));
    had += markOne(words, load<u32>(at, 28));
  }
  for (; i < n; i++) {
    const page = load<u32>(list + (<usize>i << 2));
    if (page >= pages) return -1 - i;
    had += markOne(words, page);
  }
  return n - <i32>had;
}

// ---- merging ----

export function or(into: usize, from: usize, words: i32): void {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~63;
  for (; at < wide; at += 64) {
    const i0 = v128.load(into + at);
    const i1 = v128.load(into + at, 16);
    const i2 = v128.load(into + at, 32);
    const i3 = v128.load(into + at, 48);
    v128.store(into + at, v128.or(i0, v128.load(from + at)));
    v128.store(into + at, v128.or(i1, v128.load(from + at, 16)), 16);
    v128.store(into + at, v128.or(i2, v128.load(from + at, 32)), 32);
    v128.store(into + at, v128.or(i3, v128.load(from + at, 48)), 48);
  }
  for (; at < end; at += 4) store<u32>(into + at, load<u32>(into + at) | load<u32>(from + at));
}

/** What a merge does with its source's bits, and which it counts; known where it is compiled. */
const OR = 0;
const SYNC = 1;
const CLEAR = 2;

/** Merges 16 bytes; returns the bits that are counted. */
@inline
function mergeWide(how: i32, into: usize, from: usize): v128 {
  const f = v128.load(from);
  const i = v128.load(into);
  if (how == CLEAR) {
    v128.store(into, v128.andnot(i, f));
    return v128.and(i, f);
  }
  v128.store(into, v128.or(i, f));
  if (how == SYNC) v128.store(from, i64x2.splat(0));
  return v128.andnot(f, i);
}

/** Merges a word of 32 bits; returns the bits that are counted. */
@inline
function mergeWord(how: i32, into: usize, from: usize): u32 {
  const f = load<u32>(from);
  const i = load<u32>(into);
  if (how == CLEAR) {
    store<u32>(into, i & ~f);
    return i & f;
  }
  store<u32>(into, i | f);
  if (how == SYNC) store<u32>(from, 0);
  return f & ~i;
}

/** Bits that are set in at least two of three, where `odd` is the first XOR the second. */
@inline
function carry(first: v128, second: v128, third: v128, odd: v128): v128 {
  return v128.or(v128.and(first, second), v128.and(odd, third));
}

@inline
function ones128(x: v128): i64 {
  return popcnt(i64x2.extract_lane(x, 0)) + popcnt(i64x2.extract_lane(x, 1));
}

/**
 * Merges all words and counts as it goes, by carry-save adders (Harley and Seal): a bit of the sums that are carried along
 * stands for one, two or four, and what spills over for eight, so that eight blocks of 16 bytes take two popcounts.
 */
@inline
function merge(how: i32, into: usize, from: usize, words: i32): i32 {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~127;
  let ones = i64x2.splat(0);
  let twos = i64x2.splat(0);
  let fours = i64x2.splat(0);
  let spilt: i64 = 0;
  for (; at < wide; at += 128) {
    let a = mergeWide(how, into + at, from + at);
    let b = mergeWide(how, into + at + 16, from + at + 16);
    let odd = v128.xor(ones, a);
    const twosA = carry(ones, a, b, odd);
    ones = v128.xor(odd, b);
    a = mergeWide(how, into + at + 32, from + at + 32);
    b = mergeWide(how, into + at + 48, from + at + 48);
    odd = v128.xor(ones, a);
    const twosB = carry(ones, a, b, odd);
    ones = v128.xor(odd, b);
    odd = v128.xor(twos, twosA);
    const foursA = carry(twos, twosA, twosB, odd);
    twos = v128.xor(odd, twosB);
    a = mergeWide(how, into + at + 64, from + at + 64);
    b = mergeWide(how, into + at + 80, from + at + 80);
    odd = v128.xor(ones, a);
    const twosC = carry(ones, a, b, odd);
    ones = v128.xor(odd, b);
    a = mergeWide(how, into + at + 96, from + at + 96);
    b = mergeWide(how, into + at + 112, from + at + 112);
    odd = v128.xor(ones, a);
    const twosD = carry(ones, a, b, odd);
    ones = v128.xor(odd, b);
    odd = v128.xor(twos, twosC);
    const foursB = carry(twos, twosC, twosD, odd);
    twos = v128.xor(odd, twosD);
    odd = v128.xor(fours, foursA);
    spilt += ones128(carry(fours, foursA, foursB, odd));
    fours = v128.xor(odd, foursB);
  }
  let counted = <i32>(8 * spilt + 4 * ones128(fours) + 2 * ones128(twos) + ones128(ones));
  for (; at < end; at += 4) counted += popcnt(mergeWord(how, into + at, from + at));
  return counted;
}

/** ORs in, and returns how many bits were not set before. */
export function orCount(into: usize, from: usize, words: i32): i32 {
  return merge(OR, into, from, words);
}

/** ORs in and clears the source; returns how many bits were not set before. */
export function sync(into: usize, from: usize, words: i32): i32 {
  return merge(SYNC, into, from, words);
}

/** Clears what is set in the other; returns how many bits were set in both. */
export function clearCount(into: usize, from: usize, words: i32): i32 {
  return merge(CLEAR, into, from, words);
}

// ---- reading ----

/** Number of bits that are set in both. */
export function countBoth(a: usize, b: usize, words: i32): i32 {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~31;
  let ones: i64 = 0;
  for (; at < wide; at += 32) {
    ones +=
      popcnt(load<u64>(a + at) & load<u64>(b + at)) +
      popcnt(load<u64>(a + at, 8) & load<u64>(b + at, 8)) +
      (popcnt(load<u64>(a + at, 16) & load<u64>(b + at, 16)) + popcnt(load<u64>(a + at, 24) & load<u64>(b + at, 24)));
  }
  for (; at < end; at += 4) ones += popcnt(load<u32>(a + at) & load<u32>(b + at));
  return <i32>ones;
}

export function count(words: usize, n: i32): i32 {
  let at: usize = 0;
  const end = <usize>n << 2;
  const wide = end & ~31;
  let ones: i64 = 0;
  for (; at < wide; at += 32) {
    ones +=
      popcnt(load<u64>(words + at)) +
      popcnt(load<u64>(words + at, 8)) +
      (popcnt(load<u64>(words + at, 16)) + popcnt(load<u64>(words + at, 24)));
  }
  for (; at < end; at += 4) ones += popcnt(load<u32>(words + at));
  return <i32>ones;
}

/** Writes the numbers of the set bits from bit `from` on to `out`, in order, until `max` are written; returns how many. */
export function scan(words: usize, n: i32, from: u32, out: usize, max: i32): i32 {
  let at = <i32>(from >>> 5);
  if (at >= n || max <= 0) return 0;
  let found = 0;
  let word = load<u32>(words + (<usize>at << 2)) & (<u32>-1 << (from & 31));
  while (true) {
    while (word != 0) {
      store<u32>(out + (<usize>found << 2), (<u32>at << 5) + ctz(word));
      if (++found == max) return found;
      word &= word - 1;
    }
    at++;
    while (at + 4 <= n && !v128.any_true(v128.load(words + (<usize>at << 2)))) at += 4;
    if (at >= n) return found;
    word = load<u32>(words + (<usize>at << 2));
  }
}

// ---- sampling ----

/** Digits of p that are compared before anybody asks whether a lane is left that has not differed: among 256 there is, but for
 * one pair of blocks in 3000. */
const BLIND_DIGITS = 5;

/**
 * Fills blocks of 128 bits, each bit one with probability p, by comparing a uniform number of each lane with p one binary
 * digit at a time until every lane has differed; returns how many are one. Two blocks go side by side, each with four
 * generators of its own, sfc32 (Chris Doty-Humphrey, PractRand): one step of a generator waits for the one before, and two of
 * them fill the time. `state` is the eight generators; p's digits are its first 53, without zeros at their end.
 *
 * The digits are the same for all blocks of a call, so a processor learns to branch on them, and a branch spares half of the
 * comparison. Where the blind digits were too many, the pair begins again from what `state` was before it.
 */
export function sampleBits(state: usize, p: f64, words: usize, blocks: i32): i32 {
  let a0 = v128.load(state);
  let b0 = v128.load(state, 16);
  let c0 = v128.load(state, 32);
  let n0 = v128.load(state, 48);
  let a1 = v128.load(state, 64);
  let b1 = v128.load(state, 80);
  let c1 = v128.load(state, 96);
  let n1 = v128.load(state, 112);
  const one = i32x4.splat(1);
  const scaled = p * 9007199254740992.0;
  const whole = <i64>scaled;
  const digitCount = <f64>whole == scaled ? 53 - <i32>min<i64>(ctz(whole), 53) : 53;
  /** The first digit is the sign. */
  const digits = whole << 11;
  const blind = digitCount > BLIND_DIGITS ? BLIND_DIGITS : 0;
  let ones: i64 = 0;
  let k = 0;
  for (; k + 1 < blocks; k += 2) {
    v128.store(state, a0);
    v128.store(state, b0, 16);
    v128.store(state, c0, 32);
    v128.store(state, n0, 48);
    v128.store(state, a1, 64);
    v128.store(state, b1, 80);
    v128.store(state, c1, 96);
    v128.store(state, n1, 112);
    let below0 = i32x4.splat(0);
    let below1 = i32x4.splat(0);
    let open0 = i32x4.splat(-1);
    let open1 = i32x4.splat(-1);
    let left = digits;
    for (let i = 0; i < blind; i++) {
      const drawn0 = i32x4.add(i32x4.add(a0, b0), n0);
      const drawn1 = i32x4.add(i32x4.add(a1, b1), n1);
      n0 = i32x4.add(n0, one);
      n1 = i32x4.add(n1, one);
      a0 = v128.xor(b0, i32x4.shr_u(b0, 9));
      a1 = v128.xor(b1, i32x4.shr_u(b1, 9));
      b0 = i32x4.add(c0, i32x4.shl(c0, 3));
      b1 = i32x4.add(c1, i32x4.shl(c1, 3));
      c0 = i32x4.add(v128.or(i32x4.shl(c0, 21), i32x4.shr_u(c0, 11)), drawn0);
      c1 = i32x4.add(v128.or(i32x4.shl(c1, 21), i32x4.shr_u(c1, 11)), drawn1);
      if (left < 0) {
        below0 = v128.or(below0, v128.andnot(open0, drawn0));
        below1 = v128.or(below1, v128.andnot(open1, drawn1));
        open0 = v128.and(open0, drawn0);
        open1 = v128.and(open1, drawn1);
      } else {
        open0 = v128.andnot(open0, drawn0);
        open1 = v128.andnot(open1, drawn1);
      }
      left <<= 1;
    }
    let i = digitCount - blind;
    if (!v128.any_true(v128.or(open0, open1))) {
      a0 = v128.load(state);
      b0 = v128.load(state, 16);
      c0 = v128.load(state, 32);
      n0 = v128.load(state, 48);
      a1 = v128.load(state, 64);
      b1 = v128.load(state, 80);
      c1 = v128.load(state, 96);
      n1 = v128.load(state, 112);
      below0 = i32x4.splat(0);
      below1 = i32x4.splat(0);
      open0 = i32x4.splat(-1);
      open1 = i32x4.splat(-1);
      left = digits;
      i = digitCount;
    }
    for (; i > 0; i--) {
      const drawn0 = i32x4.add(i32x4.add(a0, b0), n0);
      const drawn1 = i32x4.add(i32x4.add(a1, b1), n1);
      n0 = i32x4.add(n0, one);
      n1 = i32x4.add(n1, one);
      a0 = v128.xor(b0, i32x4.shr_u(b0, 9));
      a1 = v128.xor(b1, i32x4.shr_u(b1, 9));
      b0 = i32x4.add(c0, i32x4.shl(c0, 3));
      b1 = i32x4.add(c1, i32x4.shl(c1, 3));
      c0 = i32x4.add(v128.or(i32x4.shl(c0, 21), i32x4.shr_u(c0, 11)), drawn0);
      c1 = i32x4.add(v128.or(i32x4.shl(c1, 21), i32x4.shr_u(c1, 11)), drawn1);
      if (left < 0) {
        below0 = v128.or(below0, v128.andnot(open0, drawn0));
        below1 = v128.or(below1, v128.andnot(open1, drawn1));
        open0 = v128.and(open0, drawn0);
        open1 = v128.and(open1, drawn1);
      } else {
        open0 = v128.andnot(open0, drawn0);
        open1 = v128.andnot(open1, drawn1);
      }
      left <<= 1;
      if (!v128.any_true(v128.or(open0, open1))) break;
    }
    const at = words + (<usize>k << 4);
    v128.store(at, below0);
    v128.store(at, below1, 16);
    ones += ones128(below0) + ones128(below1);
  }
  if (k < blocks) {
    let below = i32x4.splat(0);
    let open = i32x4.splat(-1);
    let left = digits;
    for (let i = digitCount; i > 0; i--) {
      const drawn = i32x4.add(i32x4.add(a0, b0), n0);
      n0 = i32x4.add(n0, one);
      a0 = v128.xor(b0, i32x4.shr_u(b0, 9));
      b0 = i32x4.add(c0, i32x4.shl(c0, 3));
      c0 = i32x4.add(v128.or(i32x4.shl(c0, 21), i32x4.shr_u(c0, 11)), drawn);
      if (left < 0) {
        below = v128.or(below, v128.andnot(open, drawn));
        open = v128.and(open, drawn);
      } else {
        open = v128.andnot(open, drawn);
      }
      left <<= 1;
      if (!v128.any_true(open)) break;
    }
    v128.store(words + (<usize>k << 4), below);
    ones += ones128(below);
  }
  v128.store(state, a0);
  v128.store(state, b0, 16);
  v128.store(state, c0, 32);
  v128.store(state, n0, 48);
  v128.store(state, a1, 64);
  v128.store(state, b1, 80);
  v128.store(state, c1, 96);
  v128.store(state, n1, 112);
  return <i32>ones;
}

/**
 * Writes, in order, the numbers from `from` up to, without, `to` that were drawn, each with probability p on its own, until
 * `max` are written; returns how many. `inverseLog` is 1 / ln(1 - p). A step of the first four generators is two uniform
 * numbers, whose gaps are found side by side.
 */
export function sampleGaps(state: usize, inverseLog: f64, from: f64, to: f64, out: usize, max: i32): i32 {
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let counter = v128.load(state, 48);
  const inverse = f64x2.splat(inverseLog);
  let found = 0;
  let at = from;
  while (true) {
    const drawn = i32x4.add(i32x4.add(a, b), counter);
    a = v128.xor(b, i32x4.shr_u(b, 9));
    b = i32x4.add(c, i32x4.shl(c, 3));
    c = i32x4.add(v128.or(i32x4.shl(c, 21), i32x4.shr_u(c, 11)), drawn);
    counter = i32x4.add(counter, i32x4.splat(1));
    const high = f64x2.convert_low_i32x4_s(lanes02(i32x4.shr_u(drawn, 5)));
    const low = f64x2.convert_low_i32x4_s(lanes13(i32x4.shr_u(drawn, 6)));
    const unit = f64x2.div(f64x2.add(f64x2.mul(high, f64x2.splat(67108864.0)), low), f64x2.splat(9007199254740992.0));
    const gaps = f64x2.floor(f64x2.mul(ln(f64x2.sub(f64x2.splat(1.0), unit)), inverse));
    at += f64x2.extract_lane(gaps, 0);
    if (!(at < to)) break;
    store<u32>(out + (<usize>found << 2), <u32>at);
    if (++found == max) break;
    at += 1.0 + f64x2.extract_lane(gaps, 1);
    if (!(at < to)) break;
    store<u32>(out + (<usize>found << 2), <u32>at);
    if (++found == max) break;
    at += 1.0;
  }
  v128.store(state, a);
  v128.store(state, b, 16);
  v128.store(state, c, 32);
  v128.store(state, counter, 48);
  return found;
}

@inline
function lanes02(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 0, 2, 0, 2);
}

@inline
function lanes13(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 1, 3, 1, 3);
}

/**
 * The natural logarithms of two numbers of 2^-53 to 1, from arithmetic alone, so that they have the same bits here and in
 * TypeScript: a library's last digit is its own. 2 artanh((m - 1) / (m + 1)) for m from 0.7 to 1.41; the first term left out
 * is below 2^-57.
 */
@inline
function ln(x: v128): v128 {
  const mantissa = v128.or(
    v128.and(x, i64x2.splat(0x000f_ffff_ffff_ffff)),
    i64x2.splat(0x3ff0_0000_0000_0000),
  );
  const large = f64x2.gt(mantissa, f64x2.splat(1.4142135623730951));
  const m = v128.bitselect(f64x2.mul(mantissa, f64x2.splat(0.5)), mantissa, large);
  const exponent = i64x2.sub(i64x2.sub(i64x2.shr_u(x, 52), i64x2.splat(1023)), large);
  const one = f64x2.splat(1.0);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(s, s);
  let sum = f64x2.splat(1.0 / 21.0);
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 19.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 17.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 15.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 13.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 11.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 9.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 7.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 5.0));
  sum = f64x2.add(f64x2.mul(sum, z), f64x2.splat(1.0 / 3.0));
  sum = f64x2.add(f64x2.mul(sum, z), one);
  const whole = f64x2.mul(f64x2.convert_low_i32x4_s(lanes02(exponent)), f64x2.splat(0.6931471805599453));
  return f64x2.add(whole, f64x2.mul(f64x2.mul(f64x2.splat(2.0), s), sum));
}
