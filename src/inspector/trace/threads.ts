/** Who is shown as a process and who as a thread of one: numbers by name, given in the order in which they are asked for. */

/** In the order in which they are shown. */
export const PROCESSES = ['migration', 'source host', 'destination host', 'charts'] as const;
export type Process = (typeof PROCESSES)[number];

export interface Thread {
  readonly pid: number;
  readonly tid: number;
}

/** An event of Chrome's trace format that names something. */
export interface NameEvent extends Thread {
  readonly ph: 'M';
  readonly name: string;
  readonly args: Readonly<Record<string, string | number>>;
}

export class Threads {
  readonly #tids = new Map<string, number>();
  readonly #names: NameEvent[] = [];
  readonly #counts = new Map<Process, number>();

  /** `key` tells threads of the same name apart; the name itself unless given. */
  of(process: Process, name: string, key = name): Thread {
    const pid = pidOf(process);
    const known = this.#tids.get(`${pid} ${key}`);
    if (known !== undefined) return { pid, tid: known };
    const tid = (this.#counts.get(process) ?? 0) + 1;
    this.#counts.set(process, tid);
    this.#tids.set(`${pid} ${key}`, tid);
    this.#names.push({ ph: 'M', pid, tid, name: 'thread_name', args: { name } });
    this.#names.push({ ph: 'M', pid, tid, name: 'thread_sort_index', args: { sort_index: tid } });
    return { pid, tid };
  }

  /** Of every process, and of every thread that was asked for. */
  names(): readonly NameEvent[] {
    const processes = PROCESSES.flatMap((name): NameEvent[] => {
      const [ph, pid, tid] = ['M' as const, pidOf(name), 0];
      return [
        { ph, pid, tid, name: 'process_name', args: { name } },
        { ph, pid, tid, name: 'process_sort_index', args: { sort_index: pid } },
      ];
    });
    return [...processes, ...this.#names];
  }
}

export function pidOf(process: Process): number {
  return PROCESSES.indexOf(process) + 1;
}
