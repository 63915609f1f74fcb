/**
 * A batch of page writes: what RxJS streams carry from the hardware model to every dirty tracker.
 *
 * High-rate writes never become records and never cross a stream one by one. The arrays are borrowed for the length of
 * `next`: a subscriber that wants to keep a batch copies it. A batch's span never straddles a sync, a clear, a flush, a
 * send window, or a change of a device's or the guest's run state.
 */

/**
 * Who wrote: `vcpu:0`, `dma:nic0`, `host:vhost`, KVM itself with no vCPU running, `kvm:its`, or the driver that mediates a
 * device, for the guest (vfio_dma_rw), `mdev:gpu0`: no log of KVM or of the vmm hears that.
 */
export type WriteSource = `vcpu:${string}` | `dma:${string}` | `host:${string}` | `kvm:${string}` | `mdev:${string}`;

export type PageWrites = {
  /** Half-open span (fromNs, toNs] of the run's clock. */
  readonly fromNs: number;
  readonly toNs: number;
  readonly source: WriteSource;
} & (
  | { readonly form: 'list'; readonly pages: Uint32Array }
  /** Pairs of first page and number of pages. */
  | { readonly form: 'extents'; readonly pairs: Uint32Array }
  /** Bit k of word w stands for page firstPage + 32 w + k; firstPage is a multiple of 32; count is the number of set bits. */
  | { readonly form: 'bitmap'; readonly firstPage: number; readonly words: Int32Array; readonly count: number }
);

/** Page numbers that a batch carries: a list may name a page twice, and then it counts twice. */
export function pagesIn(batch: PageWrites): number {
  switch (batch.form) {
    case 'list':
      return batch.pages.length;
    case 'extents': {
      let pages = 0;
      for (let i = 1; i < batch.pairs.length; i += 2) pages += batch.pairs[i]!;
      return pages;
    }
    case 'bitmap':
      return batch.count;
    default:
      return batch satisfies never;
  }
}

/** Calls `visit` with each page number of the batch: a list's in its order and as often as it names it, else ascending. */
export function forEachPage(batch: PageWrites, visit: (page: number) => void): void {
  switch (batch.form) {
    case 'list':
      for (let i = 0; i < batch.pages.length; i++) visit(batch.pages[i]!);
      return;
    case 'extents':
      for (let i = 0; i + 1 < batch.pairs.length; i += 2) {
        const end = batch.pairs[i]! + batch.pairs[i + 1]!;
        for (let page = batch.pairs[i]!; page < end; page++) visit(page);
      }
      return;
    case 'bitmap':
      for (let w = 0; w < batch.words.length; w++) {
        for (let word = batch.words[w]!; word !== 0; word &= word - 1) {
          visit(batch.firstPage + 32 * w + 31 - Math.clz32(word & -word));
        }
      }
      return;
    default:
      batch satisfies never;
  }
}
