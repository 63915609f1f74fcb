/** The fenced code blocks of a Markdown page, in order, with their language and where they stand. */

export interface Block {
  /** `ts`, `sh`, `text`, ...; empty when the fence says nothing. */
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

export function fencedBlocks(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: page.slice(0, index).split('\n').length,
  }));
}

/** A block that follows another with nothing but blank lines or a sentence between is what the other one prints. */
export interface Shown {
  readonly block: Block;
  /** The `text` block right after it; undefined when the page shows no output. */
  readonly output: Block | undefined;
}

export function withOutput(blocks: readonly Block[], ...languages: readonly string[]): readonly Shown[] {
  return blocks.flatMap((block, index) => {
    if (!languages.includes(block.language)) return [];
    const next = blocks[index + 1];
    return [{ block, output: next?.language === 'text' ? next : undefined }];
  });
}

/** Lines that a page shows and a program did not print. `...` stands for what was left out. */
export function missingLines(output: Block, printed: string): readonly string[] {
  const lines = new Set(printed.split('\n').map((line) => line.trim()));
  return output.text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '...' && !lines.has(line));
}
