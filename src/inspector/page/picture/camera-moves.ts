/** How a camera is moved over one picture in one window: what buttons, keys and the page's own wishes come down to. */
import type { Signal } from '@preact/signals';
import type { Boxes } from './boxes.ts';
import { type Area, atHome, type Camera, centred, contains, fitted, type Size, seenBy, zoomed } from './camera.ts';

export const ZOOM_STEP = 1.3;
const PAN_PX = 80;
/** A chart that is larger than its window can be made smaller than it fits, down to this. */
const LEAST = 0.3;

export interface CameraMoves {
  /** Of the scale. */
  readonly least: number;
  /** Where the picture is best seen at first, unless it has been moved already. */
  begin(): void;
  zoomBy(factor: number): void;
  /** In steps, to the left and up. */
  moveBy(x: number, y: number): void;
  fit(): void;
  /** The active states, large enough to read. */
  showActive(): void;
  /** Moves only if these states are not seen. */
  reveal(states: readonly string[]): void;
}

export function cameraMoves(
  camera: Signal<Camera | undefined>,
  boxes: Boxes,
  window: Size,
  active: readonly string[],
): CameraMoves {
  const least = Math.min(LEAST, fitted(boxes, window).scale);
  const lit = areaOf(boxes, active);
  const change = (move: (now: Camera) => Camera) => {
    const now = camera.peek();
    if (now !== undefined) camera.value = move(now);
  };
  return {
    least,
    begin() {
      if (camera.peek() === undefined) camera.value = atHome(boxes, window, lit);
    },
    zoomBy: (factor) => change((now) => zoomed(now, factor, { x: window.width / 2, y: window.height / 2 }, least)),
    moveBy: (x, y) => change((now) => ({ ...now, x: now.x + x * PAN_PX, y: now.y + y * PAN_PX })),
    fit() {
      camera.value = fitted(boxes, window);
    },
    showActive() {
      if (lit === undefined) return;
      const home = atHome(boxes, window, lit);
      change((now) => centred(now.scale < home.scale ? home : now, lit, boxes, window));
    },
    reveal(states) {
      const area = areaOf(boxes, states);
      if (area === undefined) return;
      change((now) => (contains(seenBy(now, window), area) ? now : centred(now, area, boxes, window)));
    },
  };
}

/** Around the innermost of these states. */
function areaOf({ states }: Boxes, paths: readonly string[]): Area | undefined {
  const isOuter = (path: string) =>
    paths.some((other) => other !== path && (path === '' || other.startsWith(`${path}.`)));
  const found = states.filter(({ state }) => paths.includes(state) && !isOuter(state));
  if (found.length === 0) return undefined;
  const [x, y] = [Math.min(...found.map((one) => one.x)), Math.min(...found.map((one) => one.y))];
  return {
    x,
    y,
    width: Math.max(...found.map((one) => one.x + one.width)) - x,
    height: Math.max(...found.map((one) => one.y + one.height)) - y,
  };
}
