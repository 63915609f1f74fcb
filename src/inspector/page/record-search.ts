/** What is searched for in the records, and what has been found so far: it outlives the table that shows it. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { NoteKind } from '../view/notes.ts';
import type { SearchWish } from '../view/search.ts';
import type { RunState, Store } from './store.ts';

export const recordSearch = {
  text: signal(''),
  to: signal<string | undefined>(undefined),
  by: signal<string | undefined>(undefined),
  only: signal<NoteKind | undefined>(undefined),
  /** The table leaves out what was not found. */
  isNarrowed: signal(true),
  /** Ascending; undefined: nothing is searched for. */
  found: signal<readonly number[] | undefined>(undefined),
};

export const isSearching = computed(() => {
  const { text, to, by, only } = recordSearch;
  return text.value.trim() !== '' || [to, by, only].some(({ value }) => value !== undefined);
});

/** Typing is not followed letter by letter. */
const TYPING_MS = 80;

/** Keeps `found` up to date with what is wished and with records that come; until the returned function is called. */
export function keepSearching(store: Store): () => void {
  let stopLast = () => {};
  const stop = effect(() => {
    const { text, to, by, only } = recordSearch;
    const wish: SearchWish = {
      text: text.value,
      ...(to.value !== undefined && { to: to.value }),
      ...(by.value !== undefined && { by: by.value }),
      ...(only.value !== undefined && { only: only.value }),
    };
    const run = store.run.value;
    stopLast();
    stopLast = () => {};
    if (!isSearching.value || run === undefined) {
      recordSearch.found.value = undefined;
      return;
    }
    const timer = setTimeout(() => {
      stopLast = searchAll(store, run, wish);
    }, TYPING_MS);
    stopLast = () => clearTimeout(timer);
  });
  return () => {
    stop();
    stopLast();
  };
}

function searchAll(store: Store, run: RunState, wish: SearchWish): () => void {
  let upTo = 0;
  let isStopped = false;
  let isAsking = false;
  let isStale = false;
  let all: number[] = [];
  const next = async () => {
    if (isAsking || isStopped) {
      isStale = true;
      return;
    }
    isAsking = true;
    isStale = false;
    try {
      const found = await store.engine.ask('search', run.header.id, { ...wish, from: upTo });
      if (isStopped) return;
      upTo = found.upTo;
      all = [...all, ...found.positions];
      recordSearch.found.value = all;
    } finally {
      isAsking = false;
    }
    if (isStale) void next();
  };
  const stop = effect(() => {
    // Read, so that more is looked at when there is more.
    void [run.records.value, run.course.value?.folded];
    void next();
  });
  return () => {
    isStopped = true;
    stop();
  };
}

/** To the next record that was found, or the one before; round from the last to the first. */
export function goToFound(store: Store, by: 1 | -1): void {
  const found = recordSearch.found.value ?? [];
  if (found.length === 0) return;
  const { position } = store.cursor.value;
  const after = found.findIndex((one) => one > position);
  const before = found.findLastIndex((one) => one < position);
  const next = by === 1 ? (after === -1 ? 0 : after) : before === -1 ? found.length - 1 : before;
  batch(() => {
    store.playing.value = false;
    store.seek(found[next] ?? position);
  });
}

/** To the record whose effect this one answers; nothing happens where it answers none. */
export function goToCause(store: Store): void {
  const cause = store.run.value?.table.cause(store.cursor.value.position) ?? -1;
  if (cause >= 0) jump(store, cause);
}

/** To the first record that answers an effect of this one. */
export function goToConsequence(store: Store): void {
  const [first] = store.run.value?.table.consequences(store.cursor.value.position) ?? [];
  if (first !== undefined) jump(store, first);
}

export function jump(store: Store, position: number): void {
  batch(() => {
    store.playing.value = false;
    store.seek(position);
  });
}
