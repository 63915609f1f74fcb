/**
 * Arrays in one WebAssembly memory: lent, taken back, lent again. The memory is shared with a maximum, because growing such
 * a memory detaches no array (a memory that is not shared leaves every view empty when it grows); nobody shares it.
 *
 * First fit over a list of holes that is kept in order, neighbours joined: there are few arrays and they are large.
 */
import type { WasmMemory } from './web-assembly.ts';

const WASM_PAGE_BYTES = 65_536;
/** What a SIMD load likes best. */
const ALIGN_BYTES = 16;

interface Hole {
  at: number;
  bytes: number;
}

export class WordMemory {
  readonly #memory: WasmMemory;
  readonly #maximumBytes: number;
  readonly #holes: Hole[];
  #sizeBytes: number;
  /** Bytes of what is lent, by where it begins. */
  readonly #lent = new Map<number, number>();
  /**
   * Every view's buffer is one of these: a memory that has grown has a new one over the same bytes, and V8 exchanges it at a
   * moment of its own, so that only the buffer of what was lent is sure to be that of what comes back.
   */
  readonly #buffers = new WeakSet<object>();

  /** `memory` has `sizeBytes` now and may grow to `maximumBytes`; its first `reservedBytes` are somebody else's. */
  constructor(memory: WasmMemory, sizeBytes: number, maximumBytes: number, reservedBytes: number) {
    this.#memory = memory;
    this.#sizeBytes = sizeBytes;
    this.#maximumBytes = maximumBytes;
    this.#holes = reservedBytes < sizeBytes ? [{ at: reservedBytes, bytes: sizeBytes - reservedBytes }] : [];
  }

  /** As large as it is now. */
  get buffer(): SharedArrayBuffer {
    return this.#memory.buffer;
  }

  /** Bytes that are lent now, rounded up as they are kept. */
  get lentBytes(): number {
    let bytes = 0;
    for (const lent of this.#lent.values()) bytes += lent;
    return bytes;
  }

  /** Whether an array lies here, also one that is a part of what was lent. */
  holds(array: Int32Array): boolean {
    return this.#buffers.has(array.buffer);
  }

  /** So many zeroed words. Throws a RangeError when they do not fit below the maximum. */
  lend(count: number): Int32Array {
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`no number of words: ${count}`);
    const bytes = Math.max(Math.ceil((4 * count) / ALIGN_BYTES), 1) * ALIGN_BYTES;
    const at = this.#cut(bytes) ?? this.#grow(bytes);
    this.#lent.set(at, bytes);
    const words = new Int32Array(this.#memory.buffer, at, count);
    this.#buffers.add(words.buffer);
    words.fill(0);
    return words;
  }

  /** Throws a RangeError for an array that is not lent. */
  free(array: Int32Array | Uint32Array): void {
    this.offsetOf(array);
    this.#release(array.byteOffset, this.#lent.get(array.byteOffset)!);
    this.#lent.delete(array.byteOffset);
  }

  /** Where an array that was lent begins. Throws a RangeError for one that is not. */
  offsetOf(array: Int32Array | Uint32Array): number {
    const lent = this.#lent.get(array.byteOffset);
    if (lent === undefined || array.byteLength > lent || !this.#buffers.has(array.buffer)) {
      throw new RangeError('this array was not lent here, or was given back before');
    }
    return array.byteOffset;
  }

  #cut(bytes: number): number | undefined {
    const i = this.#holes.findIndex((hole) => hole.bytes >= bytes);
    const hole = this.#holes[i];
    if (hole === undefined) return undefined;
    const { at } = hole;
    hole.at += bytes;
    hole.bytes -= bytes;
    if (hole.bytes === 0) this.#holes.splice(i, 1);
    return at;
  }

  /** By what is missing behind the last hole, or by as much again as there is: few growths, each a system call. */
  #grow(bytes: number): number {
    const last = this.#holes.at(-1);
    const behind = last !== undefined && last.at + last.bytes === this.#sizeBytes ? last.bytes : 0;
    const room = this.#maximumBytes - this.#sizeBytes;
    const missing = Math.ceil((bytes - behind) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
    if (missing > room) {
      throw new RangeError(`${bytes} bytes more do not fit: of ${this.#maximumBytes}, ${this.lentBytes} are lent`);
    }
    const by = Math.min(Math.max(missing, this.#sizeBytes), room);
    this.#memory.grow(by / WASM_PAGE_BYTES);
    this.#release(this.#sizeBytes, by);
    this.#sizeBytes += by;
    return this.#cut(bytes)!;
  }

  /** A hole in its place, joined with its neighbours. */
  #release(at: number, bytes: number): void {
    let i = this.#holes.findIndex((hole) => hole.at > at);
    if (i === -1) i = this.#holes.length;
    this.#holes.splice(i, 0, { at, bytes });
    const next = this.#holes[i + 1];
    if (next !== undefined && at + bytes === next.at) {
      this.#holes[i]!.bytes += next.bytes;
      this.#holes.splice(i + 1, 1);
    }
    const before = this.#holes[i - 1];
    if (before !== undefined && before.at + before.bytes === at) {
      before.bytes += this.#holes[i]!.bytes;
      this.#holes.splice(i, 1);
    }
  }
}
