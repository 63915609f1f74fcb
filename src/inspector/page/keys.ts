/** The keyboard: every command of the page has a key, and the help lists this table. */

import { movedBy } from './dock/time-scale.ts';
import { CHART_KEYS } from './panes/chart-keys.ts';
import { goToCause, goToConsequence, goToFound } from './record-search.ts';
import { DOCKS, SPEEDS, type Store, VIEWS } from './store.ts';
import { nextTheme } from './theme.ts';

export interface KeyBinding {
  /** As `KeyboardEvent.key`, with `Shift+` in front where it is held. */
  readonly keys: readonly string[];
  readonly label: string;
  readonly does: string;
  act(store: Store): void;
}

export const KEY_BINDINGS: readonly KeyBinding[] = [
  {
    keys: [' '],
    label: 'Space',
    does: 'play or pause',
    act: (store) => void (store.playing.value = !store.playing.value),
  },
  { keys: ['ArrowRight', 'l'], label: '→', does: 'next record', act: (store) => store.stepBy(1) },
  { keys: ['ArrowLeft', 'h'], label: '←', does: 'record before', act: (store) => store.stepBy(-1) },
  { keys: ['Shift+ArrowRight'], label: 'Shift →', does: 'ten records on', act: (store) => store.stepBy(10) },
  { keys: ['Shift+ArrowLeft'], label: 'Shift ←', does: 'ten records back', act: (store) => store.stepBy(-10) },
  { keys: ['Home'], label: 'Home', does: 'first record', act: (store) => store.seek(0) },
  { keys: ['End'], label: 'End', does: 'last record', act: (store) => store.seek(Number.MAX_SAFE_INTEGER) },
  { keys: ['>', '.'], label: '.', does: 'faster', act: (store) => changeSpeed(store, 1) },
  { keys: ['<', ','], label: ',', does: 'slower', act: (store) => changeSpeed(store, -1) },
  { keys: ['z'], label: 'z', does: 'zoom into the switchover', act: (store) => store.zoomToSwitchover() },
  { keys: ['+', '='], label: '+', does: 'zoom in around the cursor', act: (store) => zoomBy(store, 0.5) },
  { keys: ['-'], label: '-', does: 'zoom out', act: (store) => zoomBy(store, 2) },
  { keys: ['['], label: '[', does: 'what is zoomed into, a little back', act: (store) => panBy(store, -PAN) },
  { keys: [']'], label: ']', does: 'a little on', act: (store) => panBy(store, PAN) },
  { keys: ['0'], label: '0', does: 'the whole run', act: (store) => void (store.zoom.value = undefined) },
  ...VIEWS.map((view, index) => ({
    keys: [String(index + 1)],
    label: String(index + 1),
    does: `show ${view}`,
    act: (store: Store) => void (store.view.value = view),
  })),
  {
    keys: ['d'],
    label: 'd',
    does: 'lanes, plots, memory',
    act: ({ dock }) =>
      void (dock.value = DOCKS[(DOCKS.indexOf(dock.value) + 1) % DOCKS.length] as (typeof DOCKS)[number]),
  },
  ...CHART_KEYS,
  { keys: ['f'], label: 'f', does: 'follow a live run', act: (store) => void (store.following.value = true) },
  { keys: ['w'], label: 'w', does: 'what if', act: ({ whatIfOpen }) => void (whatIfOpen.value = !whatIfOpen.value) },
  { keys: ['c'], label: 'c', does: 'to the cause of this record', act: goToCause },
  { keys: ['e'], label: 'e', does: 'to what this record led to', act: goToConsequence },
  { keys: ['n'], label: 'n', does: 'next record that was found', act: (store) => goToFound(store, 1) },
  { keys: ['N'], label: 'N', does: 'found before this record', act: (store) => goToFound(store, -1) },
  { keys: ['/'], label: '/', does: 'search records', act: (store) => searchRecords(store) },
  { keys: ['t'], label: 't', does: 'light, dark or as the system', act: () => nextTheme() },
  { keys: ['?'], label: '?', does: 'this list', act: ({ helpOpen }) => void (helpOpen.value = !helpOpen.value) },
];

export function bindKeys(store: Store): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      store.helpOpen.value = false;
      store.whatIfOpen.value = false;
      if (isTyping(event.target)) (event.target as HTMLElement).blur();
      return;
    }
    if (isTyping(event.target) || event.defaultPrevented || isForSwitch(event)) return;
    const pressed = event.shiftKey && event.key.startsWith('Arrow') ? `Shift+${event.key}` : event.key;
    const binding = KEY_BINDINGS.find(({ keys }) => keys.includes(pressed));
    if (binding === undefined || (pressed === ' ' && isPressedBySpace(event.target))) return;
    event.preventDefault();
    binding.act(store);
  });
}

/** A button under the focus is pressed by the space bar; a row of a list is chosen by Enter, and what is chosen plays. */
function isPressedBySpace(target: EventTarget | null): boolean {
  return target instanceof HTMLButtonElement && target.dataset.space !== 'plays';
}

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !isSwitch(target);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const isSwitch = ({ type }: HTMLInputElement) => type === 'checkbox' || type === 'radio';

/** A box is checked by the space bar, and of several another one is chosen by an arrow; no other key means anything to them. */
function isForSwitch({ target, key }: KeyboardEvent): boolean {
  return target instanceof HTMLInputElement && isSwitch(target) && (key === ' ' || key.startsWith('Arrow'));
}

function changeSpeed({ speed }: Store, by: 1 | -1): void {
  const at = SPEEDS.findIndex((one) => one >= speed.value);
  speed.value = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at === -1 ? SPEEDS.length - 1 : at) + by))] ?? 1;
}

/** The cursor stays where it is on the screen. */
export function zoomBy({ zoom, span, cursor, endNs }: Store, factor: number): void {
  const { fromNs, toNs } = span.value;
  const at = Math.min(toNs, Math.max(fromNs, cursor.value.atNs));
  const [from, to] = [at - (at - fromNs) * factor, at + (toNs - at) * factor];
  const whole = endNs.value;
  if (to - from >= whole) zoom.value = undefined;
  else zoom.value = { fromNs: Math.max(0, from), toNs: Math.min(whole, to) };
}

/** Of what is shown. */
const PAN = 0.25;

function panBy({ zoom, endNs }: Store, share: number): void {
  const { value } = zoom;
  if (value === undefined) return;
  zoom.value = movedBy(value, share * (value.toNs - value.fromNs), endNs.value) ?? value;
}

function searchRecords({ view }: Store): void {
  view.value = 'records';
  const focus = () => document.querySelector<HTMLInputElement>('[data-search]')?.focus();
  focus();
  // A pane that was not there is rendered once this key is done, before the next: what is typed on is typed into it.
  queueMicrotask(focus);
}
