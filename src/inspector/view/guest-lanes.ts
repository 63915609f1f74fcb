/** The guest on either host: whether its vCPUs run on the source and how fast, and how far the destination is with it. */
import type { Folded, Told } from './instant.ts';
import { inWords, type LaneOf, type LaneWriter, leafOf } from './lane-writer.ts';

/** `stands`: all of its vCPUs are stopped. */
const SOURCE_STATES: Readonly<Record<string, string>> = { 'running.free': 'runs', stopped: 'stands' };

const DESTINATION_STATES: Readonly<Record<string, string>> = {
  inmigrate: 'waits',
  running: 'runs',
  inDoubt: 'in doubt',
  acquiring: 'takes storage',
};

export class GuestLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  #throttlePercent = 0;

  constructor(laneOf: LaneOf) {
    this.#laneOf = laneOf;
  }

  see({ record, told }: Folded): void {
    for (const one of told) {
      if (one.to === 'guest') this.#source(one, record);
      else if (one.to === 'destination') this.#there().enter(destinationState(leafOf(one.after)), record);
      else if (one.to === 'observed') this.#observed(one.after, record);
    }
  }

  #source({ event, after }: Told, record: Folded['record']): void {
    if (event.type === 'THROTTLE') this.#throttlePercent = Number(event.percent);
    const leaf = leafOf(after);
    const state =
      leaf === 'running.throttled' ? throttledText(this.#throttlePercent) : (SOURCE_STATES[leaf] ?? inWords(leaf));
    this.#here().enter(state, record);
  }

  #observed(after: readonly string[], record: Folded['record']): void {
    this.#here().enter(after.includes('source.running') ? 'runs' : 'stands', record);
    this.#there().enter(after.includes('destination.running') ? 'runs' : 'waits', record);
  }

  #here() {
    return this.#laneOf('guest/source', 'guest', 'guest, source');
  }

  #there() {
    return this.#laneOf('guest/destination', 'guest', 'guest, destination');
  }
}

function throttledText(percent: number): string {
  return percent === 0 ? 'runs' : `throttled ${percent} %`;
}

function destinationState(leaf: string): string {
  return DESTINATION_STATES[leaf] ?? inWords(leaf);
}
