/**
 * The charts that can be looked at by themselves, and the picture of each: as it was drawn ahead of time where it is still a
 * picture of today's chart, else drawn now, once.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { machines, THROTTLES } from '../../../machines/index.ts';
import { chartGraph, drawSvg, graphMark } from '../chart/index.ts';
import type { MachineHeader } from '../page-data.ts';

export class Gallery {
  readonly #folder: string;
  /** The user's own, by name; first in every list. */
  readonly #own = new Map<string, AnyStateMachine>();
  readonly #pictures = new Map<string, Promise<string>>();
  readonly #preferred: string[] = [];
  #headers: readonly MachineHeader[] | undefined;

  /** `folder`: of pictures drawn ahead of time, each `NAME.svg`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Its name here: `own/` and its id, with a number where another one has it. */
  add(machine: AnyStateMachine): string {
    for (const [name, known] of this.#own) if (known === machine) return name;
    const wanted = `own/${machine.id}`;
    let name = wanted;
    for (let nth = 2; this.#own.has(name); nth++) name = `${wanted}-${nth}`;
    this.#own.set(name, machine);
    this.#headers = undefined;
    return name;
  }

  /** A chart of the package that comes before all others. */
  prefer(name: string): void {
    this.#preferred.push(name);
    this.#headers = undefined;
  }

  machine(name: string): AnyStateMachine | undefined {
    return this.#own.get(name) ?? (Object.hasOwn(machines, name) ? machines[name] : undefined);
  }

  headers(): readonly MachineHeader[] {
    const names = new Set([...this.#own.keys(), ...this.#preferred, ...Object.keys(machines)]);
    this.#headers ??= [...names].map((name) => headerOf(name, this.machine(name) as AnyStateMachine));
    return this.#headers;
  }

  /** Undefined for a name that no chart has. */
  picture(name: string): Promise<string> | undefined {
    const machine = this.machine(name);
    if (machine === undefined) return undefined;
    let picture = this.#pictures.get(name);
    if (picture === undefined) {
      picture = this.#draw(name, machine);
      this.#pictures.set(name, picture);
      picture.catch(() => this.#pictures.delete(name));
    }
    return picture;
  }

  async #draw(name: string, machine: AnyStateMachine): Promise<string> {
    if (!this.#own.has(name)) {
      const kept = await readFile(join(this.#folder, `${name}.svg`), 'utf8').catch(() => '');
      if (/ data-graph="([0-9a-f]{8})"/.exec(kept)?.[1] === graphMark(chartGraph(machine))) return kept;
    }
    return drawSvg(machine);
  }
}

export function headerOf(name: string, machine: AnyStateMachine): MachineHeader {
  const graph = chartGraph(machine);
  return { name, group: groupOf(name), description: graph.root.description ?? '', graph };
}

/** Rules and throttles of the vmm itself, by the names of their files. */
const OF_THE_VMM: readonly string[] = THROTTLES;

function groupOf(name: string): MachineHeader['group'] {
  if (name.startsWith('own/')) return 'own';
  if (name.startsWith('manager-')) return 'manager';
  return name.startsWith('convergence-') || OF_THE_VMM.includes(name) ? 'vmm' : 'migration';
}
