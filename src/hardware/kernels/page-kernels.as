/**
 * The loops over words of page bitmaps, in AssemblyScript: compiled by `npm run kernels` into page-kernels.generated.ts, so
 * that neither a build nor an install needs the compiler. typescript-kernels.ts is the same, statement by statement, and
 * the reference. Pointers are byte offsets into the imported memory; whoever calls has checked that they lie in it.
 *
 * Counts go through i64.popcnt: V8 turns it into one instruction, and i8x16.popcnt into a dozen. Bits are marked by scalar
 * loads and stores: what they wait for is the cache, not the width of a register.
 */

// ---- marking ----

/** Sets the pages of a list; returns how many of the list were in bounds, up to the first that was not. */
export function mark(words: usize, pages: u32, list: usize, n: i32): i32 {
  for (let i = 0; i < n; i++) {
    const page = load<u32>(list + (<usize>i << 2));
    if (page >= pages) return i;
    const at = words + (<usize>(page >>> 5) << 2);
    store<u32>(at, load<u32>(at) | (1 << (page & 31)));
  }
  return n;
}

/** As `mark`; returns how many were not set before, or -1 - i when the i-th of the list is the first out of bounds. */
export function markCount(words: usize, pages: u32, list: usize, n: i32): i32 {
  let added = 0;
  for (let i = 0; i < n; i++) {
    const page = load<u32>(list + (<usize>i << 2));
    if (page >= pages) return -1 - i;
    const at = words + (<usize>(page >>> 5) << 2);
    const old = load<u32>(at);
    const bit = page & 31;
    added += 1 - <i32>((old >>> bit) & 1);
    store<u32>(at, old | (1 << bit));
  }
  return added;
}

// ---- merging ----

export function or(into: usize, from: usize, words: i32): void {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~63;
  for (; at < wide; at += 64) {
    v128.store(into + at, v128.or(v128.load(into + at), v128.load(from + at)));
    v128.store(into + at, v128.or(v128.load(into + at, 16), v128.load(from + at, 16)), 16);
    v128.store(into + at, v128.or(v128.load(into + at, 32), v128.load(from + at, 32)), 32);
    v128.store(into + at, v128.or(v128.load(into + at, 48), v128.load(from + at, 48)), 48);
  }
  for (; at < end; at += 4) store<u32>(into + at, load<u32>(into + at) | load<u32>(from + at));
}

/** ORs in, and returns how many bits were not set before. */
export function orCount(into: usize, from: usize, words: i32): i32 {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~31;
  let added: i64 = 0;
  for (; at < wide; at += 32) {
    const f0 = load<u64>(from + at);
    const f1 = load<u64>(from + at, 8);
    const f2 = load<u64>(from + at, 16);
    const f3 = load<u64>(from + at, 24);
    const i0 = load<u64>(into + at);
    const i1 = load<u64>(into + at, 8);
    const i2 = load<u64>(into + at, 16);
    const i3 = load<u64>(into + at, 24);
    added += popcnt(f0 & ~i0) + popcnt(f1 & ~i1) + (popcnt(f2 & ~i2) + popcnt(f3 & ~i3));
    store<u64>(into + at, i0 | f0);
    store<u64>(into + at, i1 | f1, 8);
    store<u64>(into + at, i2 | f2, 16);
    store<u64>(into + at, i3 | f3, 24);
  }
  for (; at < end; at += 4) {
    const f = load<u32>(from + at);
    const i = load<u32>(into + at);
    added += popcnt(f & ~i);
    store<u32>(into + at, i | f);
  }
  return <i32>added;
}

/** ORs in and clears the source; returns how many bits were not set before. */
export function sync(into: usize, from: usize, words: i32): i32 {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~31;
  const zero = i64x2.splat(0);
  let added: i64 = 0;
  for (; at < wide; at += 32) {
    const f0 = v128.load(from + at);
    const f1 = v128.load(from + at, 16);
    const i0 = v128.load(into + at);
    const i1 = v128.load(into + at, 16);
    const n0 = v128.andnot(f0, i0);
    const n1 = v128.andnot(f1, i1);
    v128.store(into + at, v128.or(i0, f0));
    v128.store(into + at, v128.or(i1, f1), 16);
    v128.store(from + at, zero);
    v128.store(from + at, zero, 16);
    added +=
      popcnt(i64x2.extract_lane(n0, 0)) +
      popcnt(i64x2.extract_lane(n0, 1)) +
      (popcnt(i64x2.extract_lane(n1, 0)) + popcnt(i64x2.extract_lane(n1, 1)));
  }
  for (; at < end; at += 4) {
    const f = load<u32>(from + at);
    const i = load<u32>(into + at);
    added += popcnt(f & ~i);
    store<u32>(into + at, i | f);
    store<u32>(from + at, 0);
  }
  return <i32>added;
}

/** Clears what is set in the other; returns how many bits were set in both. */
export function clearCount(into: usize, from: usize, words: i32): i32 {
  let at: usize = 0;
  const end = <usize>words << 2;
  const wide = end & ~31;
  let cleared: i64 = 0;
  for (; at < wide; at += 32) {
    const f0 = load<u64>(from + at);
    const f1 = load<u64>(from + at, 8);
    const f2 = load<u64>(from + at, 16);
    const f3 = load<u64>(from + at, 24);
    const i0 = load<u64>(into + at);
    const i1 = load<u64>(into + at, 8);
    const i2 = load<u64>(into + at, 16);
    const i3 = load<u64>(into + at, 24);
    cleared += popcnt(f0 & i0) + popcnt(f1 & i1) + (popcnt(f2 & i2) + popcnt(f3 & i3));
    store<u64>(into + at, i0 & ~f0);
    store<u64>(into + at, i1 & ~f1, 8);
    store<u64>(into + at, i2 & ~f2, 16);
    store<u64>(into + at, i3 & ~f3, 24);
  }
  for (; at < end; at += 4) {
    const f = load<u32>(from + at);
    const i = load<u32>(into + at);
    cleared += popcnt(f & i);
    store<u32>(into + at, i & ~f);
  }
  return <i32>cleared;
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
    ones +=
      popcnt(i64x2.extract_lane(below0, 0)) +
      popcnt(i64x2.extract_lane(below0, 1)) +
      (popcnt(i64x2.extract_lane(below1, 0)) + popcnt(i64x2.extract_lane(below1, 1)));
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
    ones += popcnt(i64x2.extract_lane(below, 0)) + popcnt(i64x2.extract_lane(below, 1));
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
