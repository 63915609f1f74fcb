/** What the map of who tells whom shows at an instant: what has been told so far, and what the current record told. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { kindOf } from '../../core/system.ts';
import type { Instant } from '../view/instant.ts';
import type { TellerMap } from '../view/record-book.ts';
import type { TellerEdge, ToldSoFar } from '../view/tellers.ts';
import { useStore } from './store.ts';

/** One kind of chart, or what one tells another. */
export interface PickedTeller {
  readonly from: string;
  readonly to?: string;
}

export const pickedTeller = signal<PickedTeller | undefined>(undefined);
export const tellerForm = signal<'picture' | 'matrix'>('picture');

export interface TellerLook {
  readonly map: TellerMap;
  readonly soFar: readonly ToldSoFar[];
  /** `from to`, of what the current record told. */
  readonly now: ReadonlySet<string>;
  /** Kinds that are open now, `driver`, and who said the record. */
  readonly open: ReadonlySet<string>;
}

export const pairOf = ({ from, to }: { readonly from: string; readonly to: string }) => `${from} ${to}`;

export function useTellers(): TellerLook | undefined {
  const { engine, run, instant } = useStore();
  const id = run.value?.header.id;
  const position = instant.value?.position;
  const hasRecords = (run.value?.records.value ?? 0) > 0;
  const [map, setMap] = useState<TellerMap | undefined>();
  const [soFar, setSoFar] = useState<readonly ToldSoFar[]>([]);
  useEffect(() => {
    if (id === undefined || !hasRecords) return;
    engine
      .ask('tellers', id)
      .then(setMap)
      .catch(() => {});
  }, [id, hasRecords]);
  useEffect(() => {
    if (id === undefined || position === undefined) return;
    let isLate = false;
    engine
      .ask('tellings', id, position)
      .then((found) => {
        if (!isLate) setSoFar(found);
      })
      .catch(() => {});
    return () => {
      isLate = true;
    };
  }, [id, position]);
  if (map === undefined || instant.value === undefined) return undefined;
  return { map, soFar, now: toldNow(instant), open: openNow(instant.value) };
}

function toldNow({ value }: ReadonlySignal<Instant | undefined>): ReadonlySet<string> {
  if (value === undefined) return new Set();
  const { told, effects, record } = value;
  const messages = told.flatMap(({ from, to, opens }) =>
    from === undefined || opens ? [] : [pairOf({ from: kindOf(from), to: kindOf(to) })],
  );
  const commands = effects.flatMap((effect) =>
    effect.kind === 'command' ? [pairOf({ from: kindOf(effect.by), to: 'driver' })] : [],
  );
  const answer =
    record.kind === 'input' && record.by === 'driver' ? [pairOf({ from: 'driver', to: kindOf(record.to) })] : [];
  return new Set([...messages, ...commands, ...answer]);
}

function openNow({ charts }: Instant): ReadonlySet<string> {
  return new Set([...charts.map(({ kind }) => kind), 'driver']);
}

/** How often it has been told so far, whatever it was; openings are nobody's in particular. */
export function countOf(soFar: readonly ToldSoFar[], { from, to }: Pick<TellerEdge, 'from' | 'to'>): number {
  return soFar.reduce((sum, one) => (one.from === from && one.to === to ? sum + one.count : sum), 0);
}
