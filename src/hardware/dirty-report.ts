/** What a tracker answers when it is asked for its dirty pages. Every tracker only ever adds to the caller's set. */
import type { Errno } from '../../machines/words.ts';

export interface DirtyFound {
  /** Pages that this tracker reported, whether or not the caller knew them. */
  readonly dirtyPages: number;
  /** Those that were not yet in the caller's set. */
  readonly newPages: number;
  /** ns that the report itself takes, where it costs something: tables walked, descriptors scanned. */
  readonly workNs?: number;
}

/** After an error, what was taken before it is lost to the tracker: the caller must treat all memory as dirty. */
export type DirtyReport = DirtyFound | { readonly errno: Errno };
