/** Text for a terminal of 100 columns: longer lines are broken between words and go on with the indent that they have. */

const WIDTH = 100;

/** Tables and what is short enough stay as they are. `later`: indent of what follows the first line, the line's own unless given. */
export function wrapped(text: string, later?: string): string {
  return text
    .split('\n')
    .map((line) => (visible(line) <= WIDTH ? line : wrappedLine(line, later)))
    .join('\n');
}

function wrappedLine(line: string, later: string | undefined): string {
  const own = /^ */.exec(line)?.[0] ?? '';
  const lines: string[] = [];
  for (const word of line.slice(own.length).split(' ')) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(`${own}${word}`);
    else if (visible(last) + 1 + visible(word) <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${later ?? own}${word}`);
  }
  return lines.join('\n');
}

/** Columns: colours take none. */
function visible(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what begins a colour is one.
  return text.replace(/\u001b\[\d+m/g, '').length;
}
