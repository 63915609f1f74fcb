/**
 * A table of a page: the first column names the row, numbers stand to the right, one that is too
 * wide scrolls by itself, and a column in which nothing stands is left out.
 */
import { html, type Markup, type Part } from './markup.ts';

export interface Column {
  readonly head: string;
  /** Words, not numbers. */
  readonly words?: boolean;
}

export function tableMarkup(title: string, columns: readonly Column[], rows: readonly (readonly Part[])[]): Markup {
  if (rows.length === 0) return html``;
  const kept = columns.map((_, index) => rows.some((row) => row[index] !== ''));
  return keptTable(
    title,
    columns.filter((_, index) => kept[index]),
    rows.map((row) => row.filter((_, index) => kept[index])),
  );
}

function keptTable(title: string, columns: readonly Column[], rows: readonly (readonly Part[])[]): Markup {
  const head = columns.map(({ head, words }) => html`<th scope="col" class="${classOf(words)}">${head}</th>`);
  const body = rows.map(
    (row) => html`<tr>${row.map((cell, index) => cellMarkup(cell, index, columns[index]?.words))}</tr>\n`,
  );
  return html`<section class="table"><h3>${title}</h3>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody>
</table></div></section>
`;
}

function cellMarkup(cell: Part, index: number, words: boolean | undefined): Markup {
  return index === 0
    ? html`<th scope="row" class="${classOf(words)}">${cell}</th>`
    : html`<td class="${classOf(words)}">${cell}</td>`;
}

function classOf(words: boolean | undefined): string {
  return words === true ? 'words' : 'number';
}

/** The first and the last of a long list, with a row between that says how many are not shown. */
export function ends<T>(
  list: readonly T[],
  shownMax: number,
): { first: readonly T[]; omitted: number; last: readonly T[] } {
  if (list.length <= shownMax) return { first: list, omitted: 0, last: [] };
  const half = Math.floor(shownMax / 2);
  return { first: list.slice(0, half), omitted: list.length - 2 * half, last: list.slice(-half) };
}
