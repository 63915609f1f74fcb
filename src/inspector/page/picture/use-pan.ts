/** Wheel and drag over a window onto a picture. What is dragged is not also clicked, and `moved` hears of it. */
import type { Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Camera, zoomed } from './camera.ts';

/** A hand that clicks trembles by so much. */
const DRAG_PX = 4;
/** A notch of a wheel is 100 px mostly, and zooms by a sixth. */
const ZOOM_PER_PX = 0.0015;

interface Held {
  readonly x: number;
  readonly y: number;
  readonly camera: Camera;
  isDragged: boolean;
}

export function usePan(
  frame: RefObject<HTMLElement | null>,
  camera: Signal<Camera | undefined>,
  least: number,
  moved: () => void,
) {
  const held = useRef<Held | undefined>(undefined);
  const wasDragged = useRef(false);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      const now = camera.peek();
      if (now === undefined) return;
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      camera.value = zoomed(now, Math.exp(-event.deltaY * ZOOM_PER_PX), at, least);
    };
    // Preact's own listeners are passive, and the page would scroll.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [camera, least]);
  return {
    onPointerDown: (event: PointerEvent) => {
      const now = camera.peek();
      wasDragged.current = false;
      if (event.button === 0 && now !== undefined) {
        held.current = { x: event.clientX, y: event.clientY, camera: now, isDragged: false };
      }
    },
    onPointerMove: (event: PointerEvent) => {
      const one = held.current;
      if (one === undefined) return;
      if ((event.buttons & 1) === 0) {
        held.current = undefined;
        return;
      }
      const [dx, dy] = [event.clientX - one.x, event.clientY - one.y];
      if (!one.isDragged && Math.hypot(dx, dy) < DRAG_PX) return;
      if (!one.isDragged) {
        frame.current?.setPointerCapture(event.pointerId);
        moved();
      }
      one.isDragged = true;
      camera.value = { scale: one.camera.scale, x: one.camera.x + dx, y: one.camera.y + dy };
    },
    onPointerUp: () => {
      wasDragged.current = held.current?.isDragged ?? false;
      held.current = undefined;
    },
    /** Whether the click that comes now ends a drag. */
    endsDrag: () => wasDragged.current,
  };
}
