/**
 * What an experiment came to, in a sentence that its figures write: who is ahead where, where that changes, and who did not
 * complete. It says so when nothing changes, and when the difference is none.
 */
import { type AxisValue, axisText } from './axis-value.ts';
import type { Crossover, Race, Reign } from './crossover.ts';
import type { Axis, Experiment, Measure } from './experiment.ts';
import type { CellFigures } from './result.ts';
import { figureText, listed, winsText } from './words.ts';

/** `race` is null where there is no axis. */
export function experimentSentence(
  { sides, over, measure }: Experiment,
  cells: readonly CellFigures[],
  race: Race | null,
): string {
  const parts =
    over === null || race === null
      ? [ranking(cells, measure)]
      : sides.length === 1
        ? [course(over, cells, measure)]
        : [verdict(over, race, cells, measure), ...crossings(over, race)];
  return [...parts, ...unfinished(over, cells)].join(' ');
}

function ranking(cells: readonly CellFigures[], { figure, better, marginPercent }: Measure): string {
  const there = cells.filter((cell) => cell.figure !== null);
  const sorted = [...there].sort((a, b) => (better === 'lower' ? 1 : -1) * (a.figure! - b.figure!));
  const [best, second] = sorted;
  if (best === undefined) return 'No run completed.';
  const all = sorted.map((cell) => `${cell.side} ${figureText(figure, cell.figure!)}`).join(', ');
  const isLevel = second !== undefined && apartPercent(best.figure!, second.figure!) <= marginPercent;
  return isLevel
    ? `${best.side} and ${second.side} are no more than ${marginPercent} % apart in ${figure}: ${all}.`
    : `${best.side} is ${winsText(figure, better)}: ${all}.`;
}

/** One side along the axis: where it begins, ends, and is best. */
function course({ name, values }: Axis, cells: readonly CellFigures[], { figure, better }: Measure): string {
  const there = cells.filter((cell) => cell.figure !== null);
  const [first, last] = [there[0], there.at(-1)];
  if (first === undefined || last === undefined) return `No run completed at any ${name}.`;
  const told = (cell: CellFigures) => `${figureText(figure, cell.figure!)} at ${cell.at}`;
  const best = there.reduce((a, b) => ((better === 'lower' ? b.figure! < a.figure! : b.figure! > a.figure!) ? b : a));
  const inside = best === first || best === last ? '' : `; best is ${told(best)}`;
  return `${figure} goes from ${told(first)} to ${told(last)} over the ${name}, ${values.length} values${inside}.`;
}

function verdict(over: Axis, { reigns, crossovers }: Race, cells: readonly CellFigures[], measure: Measure): string {
  const { figure, better, marginPercent } = measure;
  const [only] = reigns;
  const wins = winsText(figure, better);
  const ends = `from ${over.values[0]!.input} to ${over.values.at(-1)!.input}`;
  if (reigns.length === 1 && only !== undefined) {
    if (only.leaders.length === 0) return `No run completed at any ${over.name} ${ends}: no crossover.`;
    const sides = [...new Set(cells.map(({ side }) => side))];
    if (only.leaders.length === sides.length)
      return `No crossover: ${listed(sides)} are no more than ${marginPercent} % apart in ${figure} at every ${over.name} ${ends}.`;
    const level = only.level.map((index) => over.values[index]!.input).join(', ');
    const except = level === '' ? '' : ` (level at ${level})`;
    return `${phraseOf(only.leaders)} ${wins} at every ${over.name} ${ends}${except}${lead(only, cells, measure)}: no crossover.`;
  }
  const words = reigns.map((reign, index) => {
    const start = index === 0 ? null : edge(over, crossovers, reigns[index - 1]!, reign);
    const end = index === reigns.length - 1 ? null : edge(over, crossovers, reign, reigns[index + 1]!);
    const where =
      start === null
        ? `below ${end}`
        : end === null
          ? reigns.length === 2
            ? 'above'
            : `above ${start}`
          : `from ${start} to ${end}`;
    if (reign.leaders.length === 0) return `nobody completes ${where}`;
    const who = index === 0 ? `${phraseOf(reign.leaders)} ${wins}` : listed(reign.leaders);
    return `${who} ${where}`;
  });
  return `${words.join(', ')} (${over.name}).`;
}

function phraseOf(leaders: readonly string[]): string {
  return leaders.length === 1 ? `${leaders[0]} is` : `${listed(leaders)}, level with each other, are`;
}

/** By how much the winner is ahead of the next, over the points at which both have a figure. */
function lead(reign: Reign, cells: readonly CellFigures[], { better }: Measure): string {
  const own = cells.filter(({ side }) => side === reign.leaders[0]);
  const rivals = cells.filter(({ side, figure }) => !reign.leaders.includes(side) && figure !== null);
  const apart = own.flatMap(({ at, figure }) => {
    const there = rivals.filter((rival) => rival.at === at).map((rival) => rival.figure!);
    if (figure === null || there.length === 0) return [];
    return [apartPercent(figure, better === 'lower' ? Math.min(...there) : Math.max(...there))];
  });
  if (apart.length === 0) return '';
  const [least, most] = [Math.min(...apart), Math.max(...apart)].map((percent) =>
    percent.toPrecision(2).replace(/\.0$/, ''),
  );
  return least === most ? `, by ${Number(most)} %` : `, by ${Number(least)} to ${Number(most)} %`;
}

function apartPercent(a: number, b: number): number {
  const larger = Math.max(Math.abs(a), Math.abs(b));
  return larger === 0 ? 0 : (100 * Math.abs(a - b)) / larger;
}

/** The border between two reigns in words: interpolated, or the first point of the later one. */
function edge(over: Axis, crossovers: readonly Crossover[], before: Reign, after: Reign): string {
  const crossover = crossovers.find(({ between }) => between[0] <= before.to && between[1] >= after.from);
  const near = over.values[after.from]!;
  return crossover === undefined || crossover.at === null
    ? String(near.input)
    : axisText(crossover.at, near, over.values[before.to]);
}

function crossings(over: Axis, { crossovers, reigns }: Race): readonly string[] {
  if (crossovers.length === 0) return reigns.length > 1 ? ['No crossover between sides that complete.'] : [];
  const told = crossovers.map(({ between: [left, right], at }) => {
    const [low, high] = [over.values[left], over.values[right]] as [AxisValue, AxisValue];
    const where = `between ${low.input} and ${high.input}`;
    return at === null ? `${where}, not interpolated` : `${where}, interpolated ${axisText(at, high, low)}`;
  });
  return [`Crossover ${told.join('; another ')}.`];
}

/** Who did not complete where. */
function unfinished(over: Axis | null, cells: readonly CellFigures[]): readonly string[] {
  const missing = cells.filter(
    ({ figure, runs }) => figure === null && runs.some(({ outcome }) => outcome !== 'completed'),
  );
  const sides = [...new Set(missing.map(({ side }) => side))];
  return sides.map((side) => {
    const own = missing.filter((cell) => cell.side === side);
    const outcomes = [...new Set(own.flatMap(({ runs }) => runs.map(({ outcome }) => outcome)))];
    const ended = outcomes.filter((outcome) => outcome !== 'completed').join(' or ');
    const everywhere = own.length === cells.filter((cell) => cell.side === side).length;
    const where = over === null ? '' : everywhere ? ' everywhere' : ` at ${listed(own.map(({ at }) => String(at)))}`;
    return `${side === '' ? 'It' : side} ends ${ended}${where}.`;
  });
}
