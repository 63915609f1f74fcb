/** The memory map of what is shown, asked for anew once a zoom has come to rest; the one before stays until it is there. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Span, Store } from '../store.ts';
import { type DecodedMap, decoded } from './memory-picture.ts';

export interface MemoryAnswer {
  readonly run: string;
  readonly map?: DecodedMap | undefined;
  readonly isAsking: boolean;
  readonly trouble?: string | undefined;
}

/** A wheel turns in steps: nobody wants a map of each. */
const REST_MS = 250;

export function useMemoryMap(store: Store): Signal<MemoryAnswer | undefined> {
  const answer = useSignal<MemoryAnswer | undefined>(undefined);
  const header = store.run.value?.header;
  const isWhole = store.run.value?.isWhole.value === true;
  const span = ownSpan(store);
  // Of a run that is not over the model cannot be run again.
  const run = isWhole && header?.noMemoryMap === undefined ? header?.id : undefined;
  useEffect(() => {
    if (run === undefined) {
      answer.value = undefined;
      return;
    }
    let isGone = false;
    const known = answer.peek()?.run === run ? answer.peek()?.map : undefined;
    answer.value = { run, map: known, isAsking: true };
    const timer = setTimeout(
      async () => {
        const found = await asked(store, run, span);
        if (!isGone) answer.value = { run, map: found.map ?? known, isAsking: false, trouble: found.trouble };
      },
      known === undefined ? 0 : REST_MS,
    );
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [run, span?.fromNs, span?.toNs]);
  return answer;
}

/** What is zoomed into may reach beyond the end of the shorter of two runs, where there is nothing to ask for. */
function ownSpan({ zoom, run }: Store): Span | undefined {
  const { value } = zoom;
  const table = run.value?.table;
  if (value === undefined || table === undefined) return undefined;
  const endNs = table.atNs(table.length - 1);
  const toNs = Math.min(value.toNs, endNs);
  return value.fromNs < toNs ? { fromNs: value.fromNs, toNs } : undefined;
}

async function asked(
  { source }: Store,
  run: string,
  span: Span | undefined,
): Promise<{ readonly map?: DecodedMap; readonly trouble?: string }> {
  try {
    return { map: decoded(await source.memoryMap(run, span)) };
  } catch (error) {
    return { trouble: (error as Error).message };
  }
}
