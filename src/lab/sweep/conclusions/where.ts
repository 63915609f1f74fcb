/**
 * Sets of points in words: `everywhere`, `at dirty rate from 1k/s on with a vGPU`, `everywhere but with qemu-11.1`. A set is
 * covered by as few blocks as greed finds, each an interval of every axis whose values follow one another and a choice of the
 * values of every other.
 */
import { listed } from '../../experiment/words.ts';
import type { Grid, GridAxis } from './grid.ts';

/** Blocks that a reader still keeps apart; a set that needs more is counted. This project's own. */
const BLOCKS_MAX = 3;
/** Blocks that are tried. Of more, only intervals, single values and all of them: this project's own. */
const CHOICES_MAX = 5;
const TRIED_MAX = 50_000;

/** Values of each axis. */
type Block = readonly (readonly number[])[];

export function whereText(points: readonly number[], grid: Grid): string {
  const all = grid.places.length;
  if (points.length === all) return 'everywhere';
  if (points.length === 0) return 'nowhere';
  const counted = `at ${points.length} of ${all} points`;
  if (!grid.full) return counted;
  const inside = new Set(points);
  const direct = blocksOf(inside, grid);
  const others = new Set(grid.places.flatMap((_, point) => (inside.has(point) ? [] : [point])));
  const inverse = blocksOf(others, grid);
  if (direct !== null && (inverse === null || direct.length <= inverse.length)) return blocksText(direct, grid);
  return inverse === null ? counted : `everywhere but ${blocksText(inverse, grid)}`;
}

/** Null: it takes too many. */
function blocksOf(inside: ReadonlySet<number>, { axes, places }: Grid): readonly Block[] | null {
  const choices = axes.map(valueSets);
  if (choices.reduce((product, sets) => product * sets.length, 1) > TRIED_MAX) return null;
  const pointAt = new Map(places.map((place, point) => [place.join(), point]));
  const within = combinations(choices)
    .map((block) => ({ block, points: combinations(block).map((place) => pointAt.get(place.join())!) }))
    .filter(({ points }) => points.every((point) => inside.has(point)));
  const left = new Set(inside);
  const blocks: Block[] = [];
  while (left.size > 0) {
    let best: (typeof within)[number] | undefined;
    let most = 0;
    for (const one of within) {
      const gain = one.points.filter((point) => left.has(point)).length;
      if (gain > most || (gain === most && best !== undefined && one.points.length > best.points.length)) {
        [best, most] = [one, gain];
      }
    }
    if (best === undefined || blocks.length === BLOCKS_MAX) return null;
    blocks.push(best.block);
    for (const point of best.points) left.delete(point);
  }
  return blocks;
}

function valueSets({ values, ordered }: GridAxis): readonly (readonly number[])[] {
  const all = values.map((_, index) => index);
  if (ordered) return all.flatMap((from) => all.slice(from).map((to) => all.slice(from, to + 1)));
  if (values.length > CHOICES_MAX) return [...all.map((index) => [index]), all];
  return Array.from({ length: 2 ** values.length - 1 }, (_, mask) => all.filter((index) => ((mask + 1) >> index) & 1));
}

function combinations<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (before, list) => before.flatMap((one) => list.map((value) => [...one, value])),
    [[]],
  );
}

function blocksText(blocks: readonly Block[], { axes }: Grid): string {
  return listed(blocks.map((block) => blockText(block, axes)));
}

function blockText(block: Block, axes: readonly GridAxis[]): string {
  const said = axes.flatMap((axis, index) => {
    const values = block[index]!;
    return values.length === axis.values.length ? [] : [{ ordered: axis.ordered, text: valuesText(axis, values) }];
  });
  const at = said.filter(({ ordered }) => ordered).map(({ text }) => text);
  const having = said.filter(({ ordered }) => !ordered).map(({ text }) => text);
  return [
    ...(at.length === 0 ? [] : [`at ${at.join(', ')}`]),
    ...(having.length === 0 ? [] : [`with ${having.join(', ')}`]),
  ].join(' ');
}

function valuesText({ name, values, ordered }: GridAxis, chosen: readonly number[]): string {
  const [first, last] = [values[chosen[0]!]!, values[chosen.at(-1)!]!];
  if (!ordered) return chosen.map((index) => labelText(name, values[index]!)).join(' or ');
  if (chosen.length === 1) return `${name} ${first}`;
  if (chosen[0] === 0) return `${name} up to ${last}`;
  return chosen.at(-1) === values.length - 1 ? `${name} from ${first} on` : `${name} ${first} to ${last}`;
}

/** A name that says by itself what it is stands alone. */
export function labelText(axis: string, label: string | number | boolean): string {
  return typeof label === 'string' ? label : `${axis} ${label}`;
}
