/**
 * Who was in which state when, like a logic analyser: one lane per device, vCPU group, tracker, link and host; and the moments
 * at which somebody ordered, failed or judged something.
 *
 * Everything is read from records as they are folded: what charts were told and came to, which commands are under way, which
 * facts were announced, and what the scenario had planned to happen. Nothing is asked of a model.
 */
import { DeviceLanes } from './device-lanes.ts';
import { GuestLanes } from './guest-lanes.ts';
import { Happenings } from './happenings.ts';
import { HostLanes } from './host-lanes.ts';
import type { Folded } from './instant.ts';
import { LANE_GROUPS, type Lane, type LaneGroup } from './lane.ts';
import { LaneTrack } from './lane-track.ts';
import type { LaneOf, LaneWriter } from './lane-writer.ts';
import { LinkLanes } from './link-lanes.ts';
import { type Mark, MarkBook } from './marks.ts';
import { PhaseLanes } from './phase-lanes.ts';
import { PolicyLanes } from './policy-lanes.ts';
import { TrackerLanes } from './tracker-lanes.ts';

export { LANE_GROUPS, type Lane, type LaneGroup, type LaneSpan } from './lane.ts';

export class Lanes {
  readonly #tracks = new Map<string, LaneTrack>();
  readonly #marks = new MarkBook();
  readonly #writers: readonly LaneWriter[];

  constructor() {
    const laneOf: LaneOf = (id, group, label) => this.#laneOf(id, group, label);
    const happenings = new Happenings(this.#marks);
    this.#writers = [
      happenings,
      new PhaseLanes(laneOf),
      new GuestLanes(laneOf),
      new DeviceLanes(laneOf),
      new TrackerLanes(laneOf),
      new LinkLanes(laneOf, happenings),
      new HostLanes(laneOf, happenings),
      new PolicyLanes(laneOf, this.#marks),
      this.#marks,
    ];
  }

  see(folded: Folded): void {
    for (const writer of this.#writers) writer.see(folded);
  }

  /** As far as the run has been folded, by group, in a group in the order in which they were first heard of. */
  all(): readonly Lane[] {
    const tracks = [...this.#tracks.values()];
    return LANE_GROUPS.flatMap((group) => tracks.filter((track) => track.group === group)).map((track) => track.lane());
  }

  /** In the order of records. */
  marks(): readonly Mark[] {
    return this.#marks.all();
  }

  #laneOf(id: string, group: LaneGroup, label: string): LaneTrack {
    let track = this.#tracks.get(id);
    if (track === undefined) {
      track = new LaneTrack(id, group, label);
      this.#tracks.set(id, track);
    }
    return track;
  }
}
