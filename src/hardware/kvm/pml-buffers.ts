/**
 * Page-modification logging (Intel): each vCPU has one page of 512 addresses, into which the CPU writes a page's address
 * when the page's D bit goes from 0 to 1. The index counts down from 511. With no room left the CPU exits before it
 * writes, and KVM drains the buffer at every exit (arch/x86/kvm/vmx/vmx.c). Until then nobody sees what is in it.
 *
 * Other exits than a full buffer's are not modelled: real buffers are drained more often and hide less.
 */
export const PML_ENTRIES = 512;

export class PmlBuffers {
  readonly #buffers = new Map<number, { readonly pages: Uint32Array; index: number }>();

  /** Whether the next write to a clean page exits first. */
  full(vcpu: number): boolean {
    return this.#of(vcpu).index < 0;
  }

  /** The CPU logs a page. Throws when it should have exited. */
  log(vcpu: number, page: number): void {
    const buffer = this.#of(vcpu);
    if (buffer.index < 0) throw new Error(`vCPU ${vcpu}: a full PML buffer exits before it is written`);
    buffer.pages[buffer.index--] = page;
  }

  /** Entries that nobody has seen. */
  hidden(vcpu: number): number {
    return PML_ENTRIES - 1 - this.#of(vcpu).index;
  }

  /** An exit: hands the entries on, oldest first, and empties the buffer. */
  drain(vcpu: number, visit: (page: number) => void): void {
    const buffer = this.#of(vcpu);
    const last = buffer.index;
    buffer.index = PML_ENTRIES - 1;
    for (let i = PML_ENTRIES - 1; i > last; i--) visit(buffer.pages[i]!);
  }

  /** Every vCPU is kicked out of the guest. */
  drainAll(visit: (page: number, vcpu: number) => void): void {
    for (const vcpu of this.#buffers.keys()) this.drain(vcpu, (page) => visit(page, vcpu));
  }

  clearAll(): void {
    this.#buffers.clear();
  }

  #of(vcpu: number) {
    let buffer = this.#buffers.get(vcpu);
    if (buffer === undefined) {
      buffer = { pages: new Uint32Array(PML_ENTRIES), index: PML_ENTRIES - 1 };
      this.#buffers.set(vcpu, buffer);
    }
    return buffer;
  }
}
