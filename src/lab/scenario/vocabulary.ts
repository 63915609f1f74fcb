/**
 * Words of a scenario: which are understood, which are known but wait for a later version, and which one a typing
 * mistake probably meant. A word that is neither is an error that lists what is available; it is never ignored.
 */

/** Where a list stands in a path, the index is left out: `vm.workloads[].kind`. */
type Place = string;

/** Keys that a later version will understand, by the mapping they would stand in. */
const LATER_KEYS: Readonly<Record<Place, readonly string[]>> = {
  '': ['guestCooperation', 'trace'],
  vm: ['backing', 'slots', 'viommu'],
  link: ['channels', 'outage', 'shared'],
  vmm: ['xbzrle', 'zeroCopySend'],
  manager: ['shadows'],
};

/** Words that a later version will understand, by the key they would stand at. */
const LATER_WORDS: Readonly<Record<Place, readonly string[]>> = {
  'vmm.policy': ['auto-converge', 'dirty-limit'],
};

/** Keys that only one kind of what stands there has, or a few. */
const KEYS_OF_KIND: Readonly<Record<Place, Readonly<Record<string, string>>>> = {
  'containers[].devices[]': {
    dma: 'nic, nvme, accelerator, guest-cooperative or custom',
    peer: 'accelerator',
    mapped: 'vgpu',
    scattered: 'vgpu',
    maintain: 'vgpu',
    churn: 'vgpu',
    watchdog: 'vgpu',
    descriptors: 'mediated-nic',
    pool: 'mediated-nic',
  },
  'vm.workloads[]': {
    phase: 'cycle',
    points: 'curve',
    skew: 'zipf',
    order: 'zipf',
    phases: 'phases',
    repeat: 'phases',
    file: 'trace',
    sha256: 'trace',
  },
};

function placeOf(path: readonly PropertyKey[]): Place {
  return path
    .map((part, index) => (typeof part === 'number' ? '[]' : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

export function isLaterKey(mapping: readonly PropertyKey[], key: string): boolean {
  return LATER_KEYS[placeOf(mapping)]?.includes(key) ?? false;
}

/** The only kind that has `key`, if there is one. */
export function kindWithKey(mapping: readonly PropertyKey[], key: string): string | undefined {
  return KEYS_OF_KIND[placeOf(mapping)]?.[key];
}

/** `path` may end in the `name` of a mapping that stands for the word. */
export function isLaterWord(path: readonly PropertyKey[], word: unknown): boolean {
  const at = path.at(-1) === 'name' ? path.slice(0, -1) : path;
  return typeof word === 'string' && (LATER_WORDS[placeOf(at)]?.includes(word) ?? false);
}

/** The known word that `word` is a mistake in typing of, or the only one that it is the beginning of. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  const slack = Math.max(1, Math.floor(typed.length / 3));
  let nearest: string | undefined;
  let least = slack + 1;
  for (const candidate of known) {
    const edits = editsBetween(typed, candidate.toLowerCase());
    if (edits < least) [nearest, least] = [candidate, edits];
  }
  if (nearest !== undefined) return nearest;
  const longer = typed.length < 3 ? [] : known.filter((candidate) => candidate.toLowerCase().startsWith(typed));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
