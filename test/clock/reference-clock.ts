/** What a clock must do, in the plainest way: a list that is sorted at each step. For comparison only. */
export class ReferenceClock {
  nowNs = 0;
  #waiting: { id: number; dueNs: number; run: () => void }[] = [];
  #nextId = 0;

  at(dueNs: number, run: () => void): number {
    this.#waiting.push({ id: this.#nextId, dueNs, run });
    return this.#nextId++;
  }

  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((entry) => entry.id !== id);
  }

  step(): boolean {
    const next = this.#waiting.toSorted((a, b) => a.dueNs - b.dueNs || a.id - b.id)[0];
    if (next === undefined) return false;
    this.cancel(next.id);
    this.nowNs = Math.max(this.nowNs, next.dueNs);
    next.run();
    return true;
  }
}
