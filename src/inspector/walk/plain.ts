/**
 * Anything that a machine keeps, as plain JSON for a person to read: a context may hold functions, actors, maps and itself, and
 * what crosses to a page is text.
 */

/** Deeper, longer and larger is cut, and says so. */
const DEPTH_MAX = 12;
const ITEMS_MAX = 1000;
const CHARACTERS_MAX = 10_000;

/** Never throws, and ends. */
export function plain(value: unknown): unknown {
  return reduced(value, []);
}

function reduced(value: unknown, above: readonly unknown[]): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > CHARACTERS_MAX ? `${value.slice(0, CHARACTERS_MAX)}... (${value.length})` : value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return String(value);
    case 'object':
      if (value === null) return null;
      if (above.includes(value)) return '(itself)';
      if (above.length >= DEPTH_MAX) return '(more)';
      return reducedObject(value, [...above, value]);
    default:
      return '(function)';
  }
}

function reducedObject(value: object, above: readonly unknown[]): unknown {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (isActor(value)) return `(actor ${value.id})`;
    if (value instanceof Map)
      return Object.fromEntries(
        entriesOf(
          [...value].map(([k, v]) => [String(k), v]),
          above,
        ),
      );
    if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
    const items = value instanceof Set ? [...value] : value;
    if (!Array.isArray(items)) return Object.fromEntries(entriesOf(Object.entries(value), above));
    const kept = items.slice(0, ITEMS_MAX).map((item) => reduced(item, above));
    return items.length > ITEMS_MAX ? [...kept, `... (${items.length})`] : kept;
  } catch (error) {
    return `(cannot be read: ${error instanceof Error ? error.message : String(error)})`;
  }
}

function entriesOf(entries: readonly (readonly [string, unknown])[], above: readonly unknown[]) {
  const kept = entries.slice(0, ITEMS_MAX).map(([key, item]) => [key, reduced(item, above)] as const);
  return entries.length > ITEMS_MAX ? [...kept, ['...', entries.length] as const] : kept;
}

function isActor(value: object): value is { readonly id: string } {
  return 'sessionId' in value && 'getSnapshot' in value && 'id' in value;
}
