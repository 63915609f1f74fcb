/** An experiment's result as text for a terminal: the question, a table with a column for each side, and the sentence. */
import { plainTable } from '../report/text.ts';
import type { CellFigures, ExperimentResult } from './result.ts';
import { figureText } from './words.ts';

export interface ExperimentTextOptions {
  /** ANSI bold. */
  readonly colour?: boolean;
}

export function experimentText(result: ExperimentResult, { colour = false }: ExperimentTextOptions = {}): string {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const parts = [
    `${bold(result.experiment)}  (seed ${result.seed})\n${result.question}`,
    table(result),
    ...(result.broken.length === 0 ? [] : [`BROKEN, the figures are void:\n  ${result.broken.join('\n  ')}`]),
    bold(result.sentence),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

function table({ figure, axis, sides, cells }: ExperimentResult): string {
  if (axis === null) {
    return plainTable(
      ['', figure],
      cells.map((cell) => [cell.side, cellText(figure, cell)]),
    );
  }
  const rows = axis.values.map((value) => [
    String(value),
    ...sides.map((side) => cellText(figure, cells.find((cell) => cell.side === side && cell.at === value)!)),
  ]);
  const head = sides.length === 1 ? [axis.name, figure] : [`${axis.name} \\ ${figure}`, ...sides];
  return plainTable(head, rows);
}

/** The median with the least and the most of several runs, or how the runs ended. */
function cellText(figure: string, { runs, figure: value }: CellFigures): string {
  const values = runs.flatMap((run) => (run.figure === null ? [] : [run.figure]));
  const ended = runs.filter((run) => run.figure === null).map(({ outcome }) => outcome);
  const lost =
    ended.length === 0 ? '' : runs.length === 1 ? ended[0]! : `${ended.length} of ${runs.length} ${ended[0]}`;
  if (value === null) return lost === 'completed' ? 'none' : lost;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const spread = least === most ? '' : ` (${figureText(figure, least)} to ${figureText(figure, most)})`;
  return `${figureText(figure, value)}${spread}${lost === '' ? '' : `, ${lost}`}`;
}
