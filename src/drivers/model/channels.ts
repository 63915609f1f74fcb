/**
 * Multifd: several connections of one migration, each with a thread, and what the threads cost.
 *
 * The connections share the link equally while all are busy, as TCP flows over one bottleneck do in the long run. Device
 * states have channels of their own or share those of the memory; where they share, they wait until the memory is sent, as
 * the author of the proposal found them to (M. Szmigiero, qemu-devel, 17 April 2024). A part of the link is settled when a
 * slice of memory or a buffer of state begins, so one that ends in between leaves its part unused until the next begins.
 *
 * TLS and compression are rates per thread. Pages have no content here, so how well they shrink is the scenario's word.
 */
import type { FilledSpec } from './spec.ts';

export interface MultifdSpec {
  /** At least 1. */
  readonly channels: number;
  /** Of them, how many carry device states and nothing else; 0: none does. */
  readonly deviceChannels: number;
}

export interface ThreadSpec {
  /** Bytes that one thread encrypts a second. */
  readonly tlsBytesPerSecond?: number;
  /** Of memory alone: bytes that one thread compresses a second, and how many of them become one. */
  readonly compression?: { readonly bytesPerSecond: number; readonly ratio: number };
}

/** ns of the threads for a page with content: in the one thread, or over the channels that carry memory. */
export function pageThreadNs({ sender, multifd, threads, pageBytes }: FilledSpec): number {
  const compressNs = threads.compression === undefined ? 0 : (1e9 * pageBytes) / threads.compression.bytesPerSecond;
  const workNs = compressNs + tlsNs(threads, wirePageBytes({ threads, pageBytes }));
  if (multifd === undefined) return sender.pageNs + workNs;
  return Math.max(sender.pageNs, workNs / (multifd.channels - multifd.deviceChannels));
}

/** What a page's content comes to on the wire. */
export function wirePageBytes({ threads, pageBytes }: Pick<FilledSpec, 'threads' | 'pageBytes'>): number {
  return threads.compression === undefined ? pageBytes : pageBytes / threads.compression.ratio;
}

export function tlsNs({ tlsBytesPerSecond }: ThreadSpec, bytes: number): number {
  return tlsBytesPerSecond === undefined ? 0 : (1e9 * bytes) / tlsBytesPerSecond;
}

/** Who is sending now, and which part of the link that leaves to each. */
export class Channels {
  readonly #channels: number;
  readonly #deviceChannels: number;
  #memoryGoesOn = false;
  #states = 0;

  constructor(multifd: MultifdSpec = { channels: 1, deviceChannels: 0 }) {
    this.#channels = multifd.channels;
    this.#deviceChannels = multifd.deviceChannels;
  }

  /** Device states have connections of their own, beside the memory's. */
  get separate(): boolean {
    return this.#deviceChannels > 0;
  }

  memoryBegins(): void {
    this.#memoryGoesOn = true;
  }

  memoryEnds(): void {
    this.#memoryGoesOn = false;
  }

  statesBegin(count: number): void {
    this.#states += count;
  }

  stateEnds(): void {
    this.#states -= 1;
  }

  /** Of the link, above 0 and up to 1, for the memory. */
  get memoryPart(): number {
    return this.#states > 0 && this.separate ? 1 - this.#deviceChannels / this.#channels : 1;
  }

  /** Of the link, above 0 and up to 1, for one device's state. */
  get statePart(): number {
    const ofAll = this.#memoryGoesOn && this.separate ? this.#deviceChannels / this.#channels : 1;
    return ofAll / Math.max(1, this.#states);
  }
}
