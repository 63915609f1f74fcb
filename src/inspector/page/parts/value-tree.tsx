/**
 * Data as a tree: mappings and lists open and close, long texts and long lists are cut until somebody asks for all. What is
 * closed is not in the page, so that neither a deep nor a huge value costs anything before it is opened.
 */
import { useState } from 'preact/hooks';
import { count, cut } from '../format.ts';

const TEXT_CHARACTERS_MAX = 160;
const NAME_CHARACTERS_MAX = 80;
/** Shown at once of a text that was asked for; more makes a browser stand still. */
const WHOLE_CHARACTERS_MAX = 100_000;
const BLOCK_CHARACTERS = 1000;
const ENTRIES_MAX = 40;
/** Below that much nesting nothing is open by itself. */
const OPEN_DEPTH = 2;
/** A mapping or list of more entries is closed at first, but for the outermost. */
const OPEN_ENTRIES_MAX = 12;

interface ValueTreeProps {
  readonly value: unknown;
  readonly name?: string;
  readonly depth?: number;
  /** Said in place of an outermost value without entries. */
  readonly empty?: string;
}

export function ValueTree({ value, name, depth = 0, empty }: ValueTreeProps) {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  if (isEmpty && empty !== undefined) return <p class="soft">{empty}</p>;
  if (typeof value === 'object' && value !== null) return <Branch value={value} name={name} depth={depth} />;
  return (
    <div class="value-leaf">
      {name !== undefined && <Key name={name} />}
      <Leaf value={value} />
    </div>
  );
}

function Branch({
  value,
  name,
  depth,
}: {
  readonly value: object;
  readonly name: string | undefined;
  readonly depth: number;
}) {
  const entries = Object.entries(value);
  const [isOpen, setOpen] = useState(depth === 0 || (depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES_MAX));
  const [isAll, setAll] = useState(false);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0) {
    return (
      <div class="value-leaf">
        {name !== undefined && <Key name={name} />}
        <span class="value-size">{Array.isArray(value) ? '[]' : '{}'}</span>
      </div>
    );
  }
  const shown = isAll ? entries : entries.slice(0, ENTRIES_MAX);
  return (
    <div class="value-branch">
      {name !== undefined && (
        <button type="button" class="value-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> <Key name={name} />{' '}
          <span class="value-size">{size}</span>
        </button>
      )}
      {(isOpen || name === undefined) && (
        <div class={name === undefined ? 'value-entries outer' : 'value-entries'}>
          {shown.map(([key, inner]) => (
            <ValueTree key={key} name={key} value={inner} depth={depth + 1} />
          ))}
          {shown.length < entries.length && (
            <button type="button" class="more" onClick={() => setAll(true)}>
              show all {count(entries.length)}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Key({ name }: { readonly name: string }) {
  return <span class="value-key">{cut(name, NAME_CHARACTERS_MAX)}</span>;
}

/** What is neither a mapping nor a list, on one line; cut. */
export function Leaf({ value }: { readonly value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  const text = typeof value === 'string' ? value : String(JSON.stringify(value) ?? value);
  if (isWhole) return <Whole text={text} />;
  return (
    <span class={`value-text ${value === null ? 'null' : typeof value}`}>
      {cut(text, TEXT_CHARACTERS_MAX)}
      {text.length > TEXT_CHARACTERS_MAX && (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          show {text.length > WHOLE_CHARACTERS_MAX ? `${count(WHOLE_CHARACTERS_MAX)} of` : 'all'} {count(text.length)}{' '}
          characters
        </button>
      )}
    </span>
  );
}

/** A browser takes the square of its length to break one long word into lines: so in blocks, laid out when they are in sight. */
function Whole({ text }: { readonly text: string }) {
  const blocks: string[] = [];
  for (let at = 0; at < Math.min(text.length, WHOLE_CHARACTERS_MAX); at += BLOCK_CHARACTERS) {
    blocks.push(text.slice(at, Math.min(at + BLOCK_CHARACTERS, WHOLE_CHARACTERS_MAX)));
  }
  return (
    <div class="value-whole">
      {blocks.map((block, index) => (
        <div key={index} class="value-block">
          {block}
        </div>
      ))}
      {text.length > WHOLE_CHARACTERS_MAX && (
        <span class="soft">… {count(text.length - WHOLE_CHARACTERS_MAX)} more characters</span>
      )}
    </div>
  );
}
