/**
 * Who holds the one writer's place of a run in a file, and whether that process is still there.
 *
 * A place must outlive nothing but its process: after a crash the next process takes it over without being told. So a writer
 * is written down with all that tells it from a later process of the same number: host, boot, process namespace and start
 * time. Where it cannot be told for certain that a writer is gone (another host, another container), it is taken to be
 * alive: two writers are worse than none.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Writer {
  readonly host: string;
  /** One per start of the kernel; empty where the system does not tell. */
  readonly boot: string;
  /** Process numbers mean something inside one namespace only; empty where the system has none. */
  readonly namespace: string;
  readonly pid: number;
  /** When the process started, in the system's own count; empty where it does not tell. */
  readonly started: string;
}

/** What the system says of a process: undefined when there is none. */
export type ProcessProbe = (pid: number) => { readonly started: string } | undefined;

let self: Writer | undefined;

/** This process. */
export function thisProcess(): Writer {
  self ??= {
    host: hostname(),
    boot: orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: probeProcess(process.pid)?.started ?? '',
  };
  return self;
}

/** True only when `writer` cannot be running any more. */
export function isGone(writer: Writer, observer: Writer = thisProcess(), probe: ProcessProbe = probeProcess): boolean {
  if (writer.host !== observer.host) return false;
  if (writer.boot !== observer.boot && writer.boot !== '' && observer.boot !== '') return true;
  if (writer.namespace !== observer.namespace) return false;
  const found = probe(writer.pid);
  if (found === undefined) return true;
  return found.started !== writer.started && found.started !== '' && writer.started !== '';
}

/** Linux tells state and start time in fields 3 and 22 of /proc/<pid>/stat (proc_pid_stat(5)); elsewhere only whether it is there. */
export function probeProcess(pid: number): { readonly started: string } | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie or dead process writes no more, even if its parent never asks for its end.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { started: fields[19] ?? '' };
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
