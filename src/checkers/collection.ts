/**
 * One collection of the dirty logs, and how far it has come: KVM's log first, then every container's tracker, then the
 * merge. Part of the final order; kept apart because every sync of a run goes through it, not only the last.
 */

export interface Collection {
  /** Everything that could write had been stopped when KVM's log was asked for. */
  readonly allStopped: boolean;
  /** KVM's log has answered, with whatever. */
  logAnswered: boolean;
  /** Addresses of the trackings whose report has been answered. */
  readonly reported: Set<string>;
}

export function collection(allStopped: boolean): Collection {
  return { allStopped, logAnswered: false, reported: new Set() };
}

/** Why the merge may not come now; undefined when it may. */
export function mergesTooEarly(collected: Collection | undefined, trackings: readonly string[]): string | undefined {
  if (collected === undefined) return 'no log has been asked for';
  if (!collected.logAnswered) return "KVM's log has not answered";
  const missing = trackings.filter((tracking) => !collected.reported.has(tracking));
  return missing.length === 0 ? undefined : `${missing.join(', ')} has not reported`;
}
