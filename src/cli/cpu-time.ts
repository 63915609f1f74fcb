/** CPU time of this process for a piece of work: what others on the machine do is not in it. */

/** Migrations are JavaScript that an engine compiles better the longer it has run: after about this much it no longer does. */
export const WARM_UP_MS = 1500;

export function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Does each in turn until all of them together have taken so long; each at least once. */
export function warmUp(works: readonly (() => unknown)[], ms: number): void {
  let spentMs = 0;
  do for (const work of works) spentMs += cpuMs(work);
  while (spentMs < ms);
}
