/**
 * The text of a scenario: reads YAML or JSON (which YAML contains) and remembers where each value stands, so that a
 * problem can name its line. A text that cannot be read at all is one problem, with one sentence; nothing here knows what
 * a scenario means.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { ScenarioError } from './error.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Source {
  readonly file: string;
  /** The document as plain data. */
  readonly value: unknown;
  /** Where the value at a key path stands, or its key; the nearest mapping above if there is no such key. */
  locate(path: readonly PropertyKey[], at: 'key' | 'value'): Place;
}

/** Throws ScenarioError for a text that is no YAML, is empty, or uses what a scenario has no use for. */
export function readSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refuse = (message: string, place: Place | null) =>
    new ScenarioError([
      {
        file,
        line: place?.line ?? null,
        column: place?.column ?? null,
        path: '',
        message,
        expected: null,
        example: null,
      },
    ]);

  const document = parse(text, lines, refuse);
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) throw refuse(yamlMessage(error, text), placeOf(error.pos[0]));
  const strange = findStrangeKey(document);
  if (strange !== undefined) throw refuse('a key must be a word', placeOf(strange));
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    throw refuse('the file is empty; a scenario has at least name and vm', null);
  }
  const value = toValue(document, refuse);
  return { file, value, locate: (path, at) => placeOf(offsetOf(document, path, at)) };
}

type Refuse = (message: string, place: Place | null) => ScenarioError;

/** The parser recurses, so a text nested ten thousand deep overflows the stack instead of being an error of the text. */
function parse(text: string, lineCounter: LineCounter, refuse: Refuse): Document {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false });
  } catch {
    throw refuse('nested too deeply to be read', null);
  }
}

/** Aliases are resolved here: one without an anchor, and a few lines that unfold into millions, are refused. */
function toValue(document: Document, refuse: Refuse): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const reason = error instanceof ReferenceError ? error.message : 'nested too deeply';
    throw refuse(`cannot be read: ${reason}`, null);
  }
}

function yamlMessage(error: YAMLError, text: string): string {
  const open = /^Flow (map|sequence)\b.* end with a/.exec(error.message)?.[1];
  if (open !== undefined) return open === 'map' ? 'a { is not closed by a }' : 'a [ is not closed by a ]';
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; YAML is indented with spaces';
    case 'DUPLICATE_KEY':
      return `the key ${keyAt(text, error.pos[0])} stands twice in the same mapping`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second ": " on this line; a text that contains one needs quotes';
    case 'MISSING_CHAR':
      return /closing .quote/.test(error.message) ? 'a quote is not closed' : `not readable as YAML: ${error.message}`;
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; a file holds one scenario';
    default:
      return `not readable as YAML: ${error.message}`;
  }
}

function keyAt(text: string, offset: number): string {
  return /^(?:"[^"\n]*"|'[^'\n]*'|[^:\s,}]+)/.exec(text.slice(offset, offset + 100))?.[0] ?? 'here';
}

/** The offset of a key that is itself a list, a mapping or an alias; JSON has no such thing. */
function findStrangeKey(document: Document): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Pair(_, pair) {
      if (isScalar(pair.key)) return undefined;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function offsetOf(document: Document, path: readonly PropertyKey[], at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    const within: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(within)) {
      const pair = (within.items as Pair[]).find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) return offset;
      const last = index === path.length - 1;
      const value =
        last && at === 'value' && isScalar(pair.value) && pair.value.value !== null ? startOf(pair.value) : undefined;
      offset = value ?? startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(within)) {
      node = within.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
