/**
 * A migration in the small, for tests of trackers: a world whose pages are copied by hand, and the pages that the
 * destination lacks in the end. No chart decides anything, so a test can run the steps in a wrong order.
 */
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { createWorld, type World, type WorldSpec } from '../../src/hardware/world.ts';

export const MS = 1_000_000;

export interface CopyOf {
  readonly world: World;
  /** Reported and not copied yet. */
  readonly dirty: PageBitmap;
  /** Lets so much time pass. */
  runFor(ms: number): void;
  copyAll(): void;
  /** Copies what is in `dirty` and empties it. */
  copyDirty(): void;
  /** Pages that differ now. */
  lost(): readonly number[];
}

export function copyOf(spec: WorldSpec): CopyOf {
  const world = createWorld(spec);
  const dirty = new PageBitmap(world.memory.pages);
  return {
    world,
    dirty,
    runFor: (ms) => world.advanceTo(world.nowNs + ms * MS),
    copyAll: () => {
      for (const { firstPage, pages } of world.memory.slots) world.truth.sentRange(firstPage, pages);
    },
    copyDirty: () => {
      world.truth.sentAll(dirty);
      dirty.clearAll();
    },
    lost: () => world.truth.lostPages(world.memory.pages).firstPages,
  };
}
