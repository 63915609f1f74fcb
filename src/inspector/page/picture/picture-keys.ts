/** What keys do inside of a picture: states have the focus one at a time, and arrow keys lead from one to the next. */
import { type CameraMoves, ZOOM_STEP } from './camera-moves.ts';
import type { Lights } from './lights.ts';

export interface PictureHands {
  readonly moves: CameraMoves;
  readonly lights: Lights;
  readonly chosen: string | undefined;
  choose(state: string | undefined): void;
}

/** A key that means nothing here is the page's. */
export function pressedIn({ moves, lights, chosen, choose }: PictureHands, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const state = stateUnder(event.target);
  const act = acts()[event.shiftKey && event.key.startsWith('Arrow') ? `Shift+${event.key}` : event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();

  function acts(): Readonly<Record<string, (() => void) | undefined>> {
    const atState = (does: (state: string) => void) => (state === undefined ? undefined : () => does(state));
    return {
      '+': () => moves.zoomBy(ZOOM_STEP),
      '=': () => moves.zoomBy(ZOOM_STEP),
      '-': () => moves.zoomBy(1 / ZOOM_STEP),
      '0': () => moves.fit(),
      'Shift+ArrowLeft': () => moves.moveBy(1, 0),
      'Shift+ArrowRight': () => moves.moveBy(-1, 0),
      'Shift+ArrowUp': () => moves.moveBy(0, 1),
      'Shift+ArrowDown': () => moves.moveBy(0, -1),
      ArrowDown: atState((from) => focusNext(lights, from, 1)),
      ArrowUp: atState((from) => focusNext(lights, from, -1)),
      Enter: atState(choose),
      ' ': atState(choose),
      Escape: chosen === undefined ? undefined : () => choose(undefined),
    };
  }
}

function focusNext(lights: Lights, from: string, by: 1 | -1): void {
  const next = lights.states[lights.states.indexOf(from) + by];
  if (next !== undefined) lights.handle(next)?.focus({ preventScroll: true });
}

/** Undefined: not over a state. A transition's words belong to the state that it leaves. */
export function stateUnder(target: EventTarget | null): string | undefined {
  if (!(target instanceof Element)) return undefined;
  const group = target.closest<SVGGElement>('[data-texts], [data-state], [data-source]');
  return group?.dataset.texts ?? group?.dataset.state ?? group?.dataset.source;
}
