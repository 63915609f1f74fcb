/** What those who write lanes share. */
import type { Folded } from './instant.ts';
import type { LaneGroup } from './lane.ts';
import type { LaneTrack } from './lane-track.ts';

/** Gives a lane, made at the first call; whoever writes to lanes has this of all of them. */
export type LaneOf = (id: string, group: LaneGroup, label: string) => LaneTrack;

/** What writes some lanes: told of every record once, in order. */
export interface LaneWriter {
  see(folded: Folded): void;
}

/** Of a chart that is in one state at a time: the innermost one. */
export function leafOf(active: readonly string[]): string {
  return active.at(-1) ?? '';
}

/** `iterating.endingPass` -> `ending pass`. */
export function inWords(path: string): string {
  const leaf = path.slice(path.lastIndexOf('.') + 1);
  const words = leaf.replace(/([a-z\d])([A-Z])/g, (_, end: string, begin: string) => `${end} ${begin.toLowerCase()}`);
  return words.replace(/\b(p2p|dma|vcpus)\b/g, (word) => SPELT[word] ?? word);
}

const SPELT: Readonly<Record<string, string>> = { p2p: 'P2P', dma: 'DMA', vcpus: 'vCPUs' };
