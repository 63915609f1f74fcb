/**
 * HTML as a value: a template whose holes are escaped unless they hold markup themselves, so that a name out of a scenario can
 * never become a tag. There is no other way in this folder from text to a page.
 */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a hole; nothing comes of undefined, and lists are put one after the other. */
export type Part = string | number | Markup | undefined | readonly Part[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((string, index) => `${string}${textOf(parts[index])}`).join(''));
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  return typeof part === 'object' ? part.map(textOf).join('') : escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] as string);
}

/** JSON for a script element: nothing in it can end the element, and `JSON.parse` gives the same value back. */
export function embeddedJson(id: string, value: unknown): Markup {
  const json = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapedInJson);
  return new Markup(`<script type="application/json" id="${escaped(id)}">${json}</script>`);
}

function escapedInJson(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
