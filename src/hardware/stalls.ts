/**
 * What dirty logging costs the guest: each vCPU's time that it owes and has stood still for, by cause. A log charges the
 * vCPU that caused the cost; the vCPU pays by not running, and so writes less. Nothing is forgiven, but what is owed when
 * the vCPUs stop for good is never stood.
 *
 * Times are ns of one vCPU. Charges may have a fraction; what is paid is whole ns.
 */

/**
 * A write-protection fault; an exit because a PML buffer is full; an exit because a dirty ring is full, until it is not; what
 * a fault takes longer because it splits a huge mapping, or maps one as a whole again; a write to a mediated device's tables
 * that the host notes; a sleep at a full ring, because the vCPU dirties more than its quota.
 */
export const STALL_CAUSES = ['dirtyFaults', 'pmlExits', 'ringFull', 'splits', 'tableUpdates', 'dirtyLimit'] as const;
export type StallCause = (typeof STALL_CAUSES)[number];
export type StalledNs = { readonly [Cause in StallCause]?: number };

export class Stalls {
  /** Causes that this run's log can charge: those that are told even when nothing was. Empty: nobody is ever charged. */
  readonly causes: readonly StallCause[];
  readonly #owed = new Map<number, Map<StallCause, number>>();
  readonly #stood = new Map<StallCause, number>();

  constructor(causes: readonly StallCause[] = []) {
    this.causes = causes;
  }

  /** Whether a vCPU may have to stand at all. */
  get charging(): boolean {
    return this.causes.length > 0;
  }

  /** Shared evenly by `vcpus`. A cause that is not among `causes` may only be charged with 0. */
  charge(vcpus: readonly number[], cause: StallCause, ns: number): void {
    if (ns === 0) return;
    if (!this.causes.includes(cause)) throw new Error(`this log does not charge ${cause}`);
    for (const vcpu of vcpus) {
      let owed = this.#owed.get(vcpu);
      if (owed === undefined) this.#owed.set(vcpu, (owed = new Map()));
      owed.set(cause, (owed.get(cause) ?? 0) + ns / vcpus.length);
    }
  }

  /** ns that this vCPU still has to stand, with a fraction. */
  owedNs(vcpu: number): number {
    let ns = 0;
    for (const owed of this.#owed.get(vcpu)?.values() ?? []) ns += owed;
    return ns;
  }

  /** The vCPU stands for as much of what it owes as fits into `spanNs`; returns the whole ns that it stood. */
  stand(vcpu: number, spanNs: number): number {
    const owed = this.#owed.get(vcpu);
    if (owed === undefined) return 0;
    const stoodNs = Math.min(spanNs, Math.floor(this.owedNs(vcpu)));
    let left = stoodNs;
    for (const [cause, ns] of owed) {
      const part = Math.min(left, ns);
      owed.set(cause, ns - part);
      this.#stood.set(cause, (this.#stood.get(cause) ?? 0) + part);
      left -= part;
    }
    return stoodNs;
  }

  /** What all vCPUs together have stood since the last call, whole ns by cause. Undefined when nobody is ever charged. */
  takeStood(): StalledNs | undefined {
    if (!this.charging) return undefined;
    const taken: { [Cause in StallCause]?: number } = {};
    for (const cause of this.causes) {
      const ns = this.#stood.get(cause) ?? 0;
      taken[cause] = Math.floor(ns);
      this.#stood.set(cause, ns - Math.floor(ns));
    }
    return taken;
  }
}
