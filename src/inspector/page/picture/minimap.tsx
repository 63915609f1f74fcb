/** The whole chart in a corner, where a window shows only a part of it: which part, and what is active elsewhere. Drag in it. */
import type { Signal } from '@preact/signals';
import type { Boxes } from './boxes.ts';
import { type Camera, centred, type Size, seenBy } from './camera.ts';
import { Silhouette, scaleOf } from './silhouette.tsx';

interface MinimapProps {
  readonly boxes: Boxes;
  readonly active: readonly string[];
  readonly camera: Signal<Camera | undefined>;
  /** Of the large picture. */
  readonly window: Size;
  /** A person has chosen a place in it. */
  moved(): void;
}

/** Of the window, at most; and in px, so that it does not grow with a large screen. */
const SHARE = { width: 0.18, height: 0.5 } as const;
const MOST_PX: Size = { width: 150, height: 260 };
/** In a narrower one it would hide what it helps to find. */
const LEAST_WINDOW_PX = 480;

export function Minimap({ boxes, active, camera, window, moved }: MinimapProps) {
  const at = camera.value;
  if (at === undefined) return null;
  const isWhole = boxes.width * at.scale <= window.width && boxes.height * at.scale <= window.height;
  if (isWhole || window.width < LEAST_WINDOW_PX) return null;
  const within = {
    width: Math.min(MOST_PX.width, window.width * SHARE.width),
    height: Math.min(MOST_PX.height, window.height * SHARE.height),
  };
  const goTo = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const scale = scaleOf(boxes, within);
    moved();
    const [x, y] = [(event.clientX - left) / scale, (event.clientY - top) / scale];
    camera.value = centred(at, { x, y, width: 0, height: 0 }, boxes, window);
  };
  return (
    <div
      class="minimap"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        goTo(event);
      }}
      onPointerMove={(event) => {
        event.stopPropagation();
        if (event.buttons === 1) goTo(event);
      }}
    >
      <Silhouette boxes={boxes} active={active} within={within} seen={seenBy(at, window)} />
    </div>
  );
}
