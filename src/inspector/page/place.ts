/**
 * Where the page stands, in its address: `#record=24&view=records&dock=plots&chart=pre-copy`. So a moment can be kept as a
 * bookmark, sent to a colleague, and gone back to; what an address does not say stays as it is.
 */
import { batch, effect } from '@preact/signals';
import { DOCKS, type Store, VIEWS } from './store.ts';

/** The address follows once nothing has moved for so long: browsers refuse to write it at every frame. */
const SETTLED_MS = 400;

export function keepPlace(store: Store): void {
  /** An address that was opened and is still to be gone to: it waits for its run's record to have come. */
  let wanted = saidIn(location.href);
  const go = () => {
    const said = wanted;
    // To show another run is to come here again, from the effect below: whoever is first goes there.
    if (said === undefined || !canGoTo(store, said) || wanted !== said) return;
    wanted = undefined;
    goTo(store, said);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener('hashchange', ({ newURL }) => {
    // Not what stands there now: the page may have written its own place over it since.
    wanted = saidIn(newURL);
    clearTimeout(timer);
    go();
  });
  effect(() => {
    const place = placeOf(store);
    clearTimeout(timer);
    if (wanted !== undefined) {
      go();
      return;
    }
    if (store.run.value === undefined || store.playing.value) return;
    timer = setTimeout(() => {
      try {
        history.replaceState(null, '', `#${place}`);
      } catch {
        // A file that was opened from disk may not be allowed to.
      }
    }, SETTLED_MS);
  });
}

function saidIn(address: string): URLSearchParams | undefined {
  const { hash } = new URL(address);
  return hash === '' ? undefined : new URLSearchParams(hash.slice(1));
}

/** Its run is shown first, if that is another one, and then its record is waited for. */
function canGoTo(store: Store, said: URLSearchParams): boolean {
  const id = runIn(store, said.get('run'));
  if (id !== undefined && id !== store.shown.value) store.showRun(id);
  return store.run.value !== undefined && (!said.has('record') || hasRecord(store, Number(said.get('record'))));
}

function runIn({ runs }: Store, id: string | null): string | undefined {
  return runs.value.find(({ header }) => header.id === id)?.header.id;
}

/** Of a run that has no such record, once all of it is known: then its last one is shown. */
function hasRecord({ run }: Store, position: number): boolean {
  const state = run.value;
  const { folded = 0, broken } = state?.course.value ?? {};
  const isAll = state?.isWhole.value === true && (folded === state.records.value || broken !== undefined);
  return position < folded || (isAll && folded > 0);
}

function placeOf({ run, beside, cursor, view, dock, selection, zoom, runs }: Store): string {
  const said = new URLSearchParams();
  if (runs.value.length > 1 && run.value !== undefined) said.set('run', run.value.header.id);
  if (beside.value !== undefined) said.set('beside', beside.value);
  // Read here so that a record that is waited for is looked for again.
  if (run.value?.course.value !== undefined) said.set('record', String(cursor.value.position));
  said.set('view', view.value);
  said.set('dock', dock.value);
  if (selection.value.chart !== undefined) said.set('chart', selection.value.chart);
  if (selection.value.state !== undefined) said.set('state', selection.value.state);
  if (zoom.value !== undefined) said.set('from', String(Math.round(zoom.value.fromNs)));
  if (zoom.value !== undefined) said.set('to', String(Math.round(zoom.value.toNs)));
  return said.toString();
}

function goTo(store: Store, said: URLSearchParams): void {
  const number = (name: string) => (/^\d+$/.test(said.get(name) ?? '') ? Number(said.get(name)) : undefined);
  batch(() => {
    const beside = runIn(store, said.get('beside'));
    if (beside !== undefined && beside !== store.shown.value) store.beside.value = beside;
    const record = number('record');
    if (record !== undefined && record !== store.cursor.value.position) store.seek(record);
    const view = VIEWS.find((one) => one === said.get('view'));
    if (view !== undefined) store.view.value = view;
    const dock = DOCKS.find((one) => one === said.get('dock'));
    if (dock !== undefined) store.dock.value = dock;
    const [chart, state] = [said.get('chart'), said.get('state')];
    if (chart !== null) store.selection.value = state === null ? { chart } : { chart, state };
    const [fromNs, toNs] = [number('from'), number('to')];
    if (fromNs !== undefined && toNs !== undefined && fromNs < toNs) store.zoom.value = { fromNs, toNs };
  });
}
