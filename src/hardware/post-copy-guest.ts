/**
 * The guest after a post-copy hand-over: it runs on the destination while pages of its memory are missing there.
 *
 * A touch of a missing page asks the source for it and the vCPU waits, others go on (QEMU: userfaultfd,
 * migration/postcopy-ram.c). What a workload wrote in one slice it touches page by page, so a vCPU that met several missing
 * pages waits for one after the other. A page that arrives twice, or over one that the guest has written, is a write lost:
 * it is counted here, apart from the source's truth. Writes on the host itself ask for pages, too, and nobody is held up
 * for them. This class sends nothing and keeps no clock.
 */
import { forEachPage, type PageWrites } from '../streams/page-writes.ts';
import type { PageBitmap } from './page-bitmap.ts';
import { VcpuTurns } from './vcpu-span.ts';
import type { World } from './world.ts';

/** How long a workload runs on before its touches are looked at, ns, if nothing arrives before: this project's own. */
const SLICE_NS = 1_000_000;
/** A long time without an arrival is cut into no more slices than this: this project's own. */
const SLICES_MAX = 64;

export interface PageRequest {
  readonly page: number;
  /** When it was touched, ns on the run's clock. */
  readonly atNs: number;
}

interface Waiter {
  /** Touched in this order; the first is the one that it waits for. */
  readonly pages: number[];
  sinceNs: number;
}

export class PostCopyGuest {
  /** Not arrived yet. Cleared by `arrive` alone. */
  readonly missing: PageBitmap;
  readonly #world: World;
  readonly #turns = new VcpuTurns();
  /** Only vCPUs that wait now. */
  readonly #waiting = new Map<number, Waiter>();
  /** By the page that is waited for. */
  readonly #waiters = new Map<number, number[]>();
  readonly #blocktimeNs = new Map<number, number>();
  readonly #asked: PageBitmap;
  readonly #written: PageBitmap;
  #requests: PageRequest[] = [];
  #requestedPages = 0;
  #wrongPages: number[] = [];
  #nowNs: number;

  /** `missing` is taken over. The guest runs from `nowNs` on. */
  constructor(world: World, missing: PageBitmap, nowNs: number) {
    this.#world = world;
    this.missing = missing;
    this.#asked = missing.emptyLike();
    this.#written = missing.emptyLike();
    this.#nowNs = nowNs;
    for (const vcpu of world.vcpus.busy) this.#blocktimeNs.set(vcpu, 0);
  }

  /** How far it has run, ns on the run's clock. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Pages that somebody touched and had to wait for. */
  get requestedPages(): number {
    return this.#requestedPages;
  }

  /** Pages that arrived when they were there already: what the guest wrote to them since is gone. */
  get wrongPages(): readonly number[] {
    return this.#wrongPages;
  }

  /** How long each vCPU with a workload has waited for pages so far, ns. */
  blocktimesNs(): ReadonlyMap<number, number> {
    const all = new Map(this.#blocktimeNs);
    for (const [vcpu, { sinceNs }] of this.#waiting) all.set(vcpu, all.get(vcpu)! + this.#nowNs - sinceNs);
    return all;
  }

  /** What was touched since the last call, in order. */
  takeRequests(): readonly PageRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  /** What is missing has to be asked for again: requests on the wire are lost with it. */
  askAgain(): void {
    this.#requests = [...this.#waiters.keys()].map((page) => ({ page, atNs: this.#nowNs }));
  }

  /** The guest runs up to `ns`. Time that runs backwards throws a RangeError. */
  advanceTo(ns: number): void {
    if (ns < this.#nowNs) throw new RangeError(`cannot go from ${this.#nowNs} to ${ns} ns`);
    const sliceNs = Math.max(SLICE_NS, Math.ceil((ns - this.#nowNs) / SLICES_MAX));
    while (this.#nowNs < ns && this.missing.count > 0) {
      const toNs = Math.min(this.#nowNs + sliceNs, ns);
      const spanNs = toNs - this.#nowNs;
      this.#world.guestElsewhere(
        this.#nowNs,
        toNs,
        (vcpu) => (this.#waiting.has(vcpu) ? spanNs : 0),
        (batch) => this.#touch(batch),
      );
      this.#nowNs = toNs;
    }
    this.#nowNs = ns;
  }

  /** These pages have arrived; the guest has been advanced to this moment. */
  arrive(pages: readonly number[]): void {
    for (const page of pages) {
      if (!this.missing.clear(page)) this.#wrongPages.push(page);
      else if (this.#asked.clear(page)) this.#wake(page);
    }
  }

  #touch(batch: PageWrites): void {
    forEachPage(batch, (page) => {
      if (!this.missing.get(page)) this.#written.set(page);
      else if (batch.source.startsWith('vcpu:')) this.#fault(this.#turns.next(batch.source), page, batch.toNs);
      else this.#ask(page, batch.toNs);
    });
  }

  #fault(vcpu: number, page: number, atNs: number): void {
    const waiter = this.#waiting.get(vcpu);
    if (waiter !== undefined) {
      waiter.pages.push(page);
      return;
    }
    this.#waiting.set(vcpu, { pages: [page], sinceNs: atNs });
    this.#wait(vcpu, page, atNs);
  }

  #wait(vcpu: number, page: number, atNs: number): void {
    const waiters = this.#waiters.get(page);
    if (waiters === undefined) this.#waiters.set(page, [vcpu]);
    else waiters.push(vcpu);
    this.#ask(page, atNs);
  }

  #ask(page: number, atNs: number): void {
    if (!this.#asked.set(page)) return;
    this.#requestedPages += 1;
    this.#requests.push({ page, atNs });
  }

  #wake(page: number): void {
    this.#written.set(page);
    const waiters = this.#waiters.get(page) ?? [];
    this.#waiters.delete(page);
    for (const vcpu of waiters) this.#goOn(vcpu);
  }

  /** To the next page of what it had begun, and to more work when there is none that is missing. */
  #goOn(vcpu: number): void {
    const waiter = this.#waiting.get(vcpu)!;
    for (waiter.pages.shift(); waiter.pages.length > 0; waiter.pages.shift()) {
      const page = waiter.pages[0]!;
      if (this.missing.get(page)) {
        this.#wait(vcpu, page, this.#nowNs);
        return;
      }
      this.#written.set(page);
    }
    this.#waiting.delete(vcpu);
    this.#blocktimeNs.set(vcpu, this.#blocktimeNs.get(vcpu)! + this.#nowNs - waiter.sinceNs);
  }
}
