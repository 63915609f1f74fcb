/**
 * What a pointer does to a picture over time: a click goes there, a drag zooms into what it spans, with Shift it moves the
 * picture; the wheel zooms around the pointer, and sideways (or with Shift) it moves. A double click shows the whole run.
 */
import { type Signal, signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Span, Store } from '../store.ts';
import { movedBy, nsOf, type TimeScale, within, zoomedAround } from './time-scale.ts';

export interface Hover {
  /** In pixels of the picture, and of the window. */
  readonly x: number;
  readonly y: number;
  readonly clientX: number;
  readonly clientY: number;
}

export interface Gestures {
  readonly hover: Signal<Hover | undefined>;
  /** In pixels, while it is dragged. */
  readonly selected: Signal<{ readonly from: number; readonly to: number } | undefined>;
}

/** Less than this is a hand that shakes. */
const DRAG_PX = 4;
/** Of a wheel's step of 100 units. */
const ZOOM_A_STEP = 1.25;

/** `click` may take one for itself by answering true. */
export function useSpanGestures(
  store: Store,
  ref: RefObject<HTMLElement>,
  scaleOf: () => TimeScale,
  click: (hover: Hover) => boolean = () => false,
): Gestures {
  const gestures = useMemo<Gestures>(() => ({ hover: signal(undefined), selected: signal(undefined) }), []);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const listeners = listenersOf(store, element, scaleOf, click, gestures);
    for (const [type, listener] of Object.entries(listeners))
      element.addEventListener(type, listener as EventListener, { passive: false });
    return () => {
      for (const [type, listener] of Object.entries(listeners))
        element.removeEventListener(type, listener as EventListener);
    };
  }, []);
  return gestures;
}

function listenersOf(
  store: Store,
  element: HTMLElement,
  scaleOf: () => TimeScale,
  click: (hover: Hover) => boolean,
  { hover, selected }: Gestures,
) {
  let pressed: { readonly at: Hover; readonly span: Span; readonly moves: boolean } | undefined;
  const hoverOf = ({ clientX, clientY }: PointerEvent | WheelEvent): Hover => {
    const { left, top, width } = element.getBoundingClientRect();
    return { x: Math.min(width, Math.max(0, clientX - left)), y: clientY - top, clientX, clientY };
  };
  const zoomTo = (span: Span | undefined) => {
    store.zoom.value = span;
  };
  return {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      pressed = { at: hoverOf(event), span: store.span.peek(), moves: event.shiftKey };
    },
    pointermove(event: PointerEvent) {
      const at = hoverOf(event);
      hover.value = at;
      if (pressed === undefined || Math.abs(at.x - pressed.at.x) < DRAG_PX) return;
      if (pressed.moves) {
        const scale = { ...pressed.span, width: scaleOf().width };
        zoomTo(movedBy(pressed.span, nsOf(scale, pressed.at.x) - nsOf(scale, at.x), store.endNs.peek()));
      } else selected.value = { from: Math.min(pressed.at.x, at.x), to: Math.max(pressed.at.x, at.x) };
    },
    pointerup(event: PointerEvent) {
      if (pressed === undefined) return;
      const at = hoverOf(event);
      const span = selected.value;
      const isClick = span === undefined && Math.abs(at.x - pressed.at.x) < DRAG_PX;
      pressed = undefined;
      selected.value = undefined;
      const scale = scaleOf();
      if (span !== undefined)
        zoomTo(within({ fromNs: nsOf(scale, span.from), toNs: nsOf(scale, span.to) }, store.endNs.peek()));
      else if (isClick && !click(at)) {
        store.playing.value = false;
        store.seekTime(nsOf(scale, at.x));
      }
    },
    pointercancel() {
      pressed = undefined;
      selected.value = undefined;
    },
    pointerleave() {
      hover.value = undefined;
    },
    dblclick() {
      zoomTo(undefined);
    },
    wheel(event: WheelEvent) {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const scale = scaleOf();
      const span = store.span.peek();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        zoomTo(movedBy(span, (sideways * lines * (span.toNs - span.fromNs)) / scale.width, store.endNs.peek()));
        return;
      }
      const factor = ZOOM_A_STEP ** ((event.deltaY * lines) / 100);
      zoomTo(zoomedAround(span, nsOf(scale, hoverOf(event).x), factor, store.endNs.peek()));
    },
  };
}
