/**
 * What is lit in a picture: active states, what was taken last, how often each was visited, which state is chosen. Classes and
 * names are changed and nothing is moved, so that a picture stands still while a run plays.
 */
import { Badges, type Counts } from './badges.ts';

export interface Lit {
  /** Dotted paths of states. */
  readonly active: readonly string[];
  /** Ids of transitions. */
  readonly taken: readonly string[];
  /** They were taken by the record that is shown, not by one before it. */
  readonly isFresh: boolean;
  readonly visits: Counts;
}

export class Lights {
  readonly #svg: SVGSVGElement;
  /** In document order: box and texts of each state. */
  readonly #states = new Map<string, readonly SVGGElement[]>();
  readonly #transitions = new Map<string, SVGGElement[]>();
  readonly #lines = new Map<string, SVGGElement>();
  readonly #badges: Badges;
  #active: readonly string[] = [];

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    svg.setAttribute('role', 'group');
    for (const box of svg.querySelectorAll<SVGGElement>('g[data-state]')) {
      this.#states.set(box.dataset.state ?? '', [box]);
    }
    for (const texts of svg.querySelectorAll<SVGGElement>('g[data-texts]')) {
      const state = texts.dataset.texts ?? '';
      this.#states.set(state, [...(this.#states.get(state) ?? []), texts]);
    }
    for (const one of svg.querySelectorAll<SVGGElement>('g[data-edge]')) {
      const id = one.dataset.edge ?? '';
      this.#transitions.set(id, [...(this.#transitions.get(id) ?? []), one]);
    }
    for (const line of svg.querySelectorAll<SVGGElement>('g.edge')) this.#lines.set(line.dataset.line ?? '', line);
    for (const [state, groups] of this.#states) {
      const handle = groups.at(-1) as SVGGElement;
      handle.setAttribute('role', 'button');
      handle.setAttribute('tabindex', '-1');
      handle.setAttribute('aria-label', state === '' ? 'the whole chart' : state);
    }
    this.#badges = new Badges(svg);
  }

  /** Paths of the states, in document order. */
  get states(): readonly string[] {
    return [...this.#states.keys()];
  }

  /** What takes the focus for a state. */
  handle(state: string): SVGGElement | undefined {
    return this.#states.get(state)?.at(-1);
  }

  show(lit: Lit | undefined): void {
    const active = new Set(lit?.active);
    this.#active = lit?.active ?? [];
    for (const [state, groups] of this.#states) {
      for (const group of groups) group.classList.toggle('active', active.has(state));
      const name = [state === '' ? 'the whole chart' : state];
      if (active.has(state)) name.push('active');
      const times = lit?.visits.states[state] ?? 0;
      if (times > 0) name.push(`entered ${times === 1 ? 'once' : `${times} times`}`);
      const handle = groups.at(-1) as SVGGElement;
      if (handle.getAttribute('aria-label') !== name.join(', ')) handle.setAttribute('aria-label', name.join(', '));
    }
    const taken = new Set(lit?.taken);
    const lines = new Set<string | undefined>();
    for (const [id, groups] of this.#transitions) {
      for (const group of groups) {
        group.classList.toggle('taken', taken.has(id));
        if (taken.has(id)) lines.add(group.closest<SVGGElement>('[data-line]')?.dataset.line);
      }
    }
    for (const [id, line] of this.#lines) line.classList.toggle('taken', lines.has(id));
    this.#svg.classList.toggle('fresh', lit?.isFresh ?? false);
    this.#badges.show(lit?.visits);
  }

  choose(chosen: string | undefined): void {
    // One of them takes the tabulator key, and the arrow keys lead on from it.
    const stop = chosen ?? this.#active.at(-1) ?? '';
    for (const [state, groups] of this.#states) {
      for (const group of groups) group.classList.toggle('chosen', state === chosen);
      const handle = groups.at(-1) as SVGGElement;
      handle.setAttribute('tabindex', state === stop ? '0' : '-1');
      handle.setAttribute('aria-pressed', String(state === chosen));
    }
  }
}
