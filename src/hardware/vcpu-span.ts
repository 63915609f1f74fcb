/**
 * The vCPUs that a write's source names: `vcpu:0`, `vcpu:0-3`, `vcpu:0-2,5`. A workload of several vCPUs writes under one
 * name, and what its writes cost is shared by all of them.
 */
import type { WriteSource } from '../streams/page-writes.ts';

/** `0-2,5` -> 0, 1, 2, 5. Throws a RangeError for anything else. */
export function readVcpuSpan(span: string): readonly number[] {
  const vcpus = span.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) throw new RangeError(`vcpus must be like 0, 0-3 or 0-2,5, got ${span}`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) throw new RangeError(`vcpus must ascend, got ${span}`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return [...new Set(vcpus)];
}

/** Gives each page of a source to one of its vCPUs in turn: they do the same work, so they write the same share. */
export class VcpuTurns {
  readonly #turns = new Map<WriteSource, { readonly vcpus: readonly number[]; next: number }>();

  /** Every vCPU of the source. */
  vcpusOf(source: WriteSource): readonly number[] {
    return this.#of(source).vcpus;
  }

  /** Whose turn it is. */
  next(source: WriteSource): number {
    const turn = this.#of(source);
    const vcpu = turn.vcpus[turn.next]!;
    turn.next = (turn.next + 1) % turn.vcpus.length;
    return vcpu;
  }

  #of(source: WriteSource) {
    let turn = this.#turns.get(source);
    if (turn === undefined) {
      turn = { vcpus: readVcpuSpan(source.slice('vcpu:'.length)), next: 0 };
      this.#turns.set(source, turn);
    }
    return turn;
  }
}
