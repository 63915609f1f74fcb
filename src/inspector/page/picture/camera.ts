/** Which part of a picture is seen, and how large: plain arithmetic. */

/** A point p of the picture stands at `p * scale + (x, y)` of its window, in px. */
export interface Camera {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Area extends Size {
  readonly x: number;
  readonly y: number;
}

/** Below this, the words of a drawing (12 px) cannot be read. */
const READABLE = 0.72;
/** Rather all of it a little smaller than a part of it. */
const READABLE_ALL = 0.6;
const SCALE_MAX = 3;
/** A small picture is not blown up to fill a large window. */
const FIT_MAX = 1.1;
const MARGIN_PX = 14;

/** All of the picture, in the middle. */
export function fitted(picture: Size, window: Size): Camera {
  const room = { width: window.width - 2 * MARGIN_PX, height: window.height - 2 * MARGIN_PX };
  const scale = Math.max(0.01, Math.min(FIT_MAX, room.width / picture.width, room.height / picture.height));
  return {
    scale,
    x: (window.width - picture.width * scale) / 2,
    y: (window.height - picture.height * scale) / 2,
  };
}

/** All of it where that can be read, else what is active, large enough to read. */
export function atHome(picture: Size, window: Size, active: Area | undefined): Camera {
  const all = fitted(picture, window);
  if (all.scale >= READABLE_ALL) return all;
  return centred(
    { ...all, scale: READABLE },
    active ?? { x: 0, y: 0, width: picture.width, height: 0 },
    picture,
    window,
  );
}

/** An area in the middle of the window; beyond the picture's own edges nothing is shown where that can be helped. */
export function centred({ scale }: Camera, area: Area, picture: Size, window: Size): Camera {
  const along = (at: number, length: number, whole: number, seen: number) => {
    if (whole * scale <= seen) return (seen - whole * scale) / 2;
    const wanted = seen / 2 - (at + Math.min(length, seen / scale) / 2) * scale;
    return Math.min(MARGIN_PX, Math.max(seen - whole * scale - MARGIN_PX, wanted));
  };
  return {
    scale,
    x: along(area.x, area.width, picture.width, window.width),
    y: along(area.y, area.height, picture.height, window.height),
  };
}

/** The point of the picture under `at` (px in the window) stays under it. */
export function zoomed(
  camera: Camera,
  factor: number,
  at: { readonly x: number; readonly y: number },
  least: number,
): Camera {
  const scale = Math.min(SCALE_MAX, Math.max(least, camera.scale * factor));
  const grown = scale / camera.scale;
  return { scale, x: at.x - (at.x - camera.x) * grown, y: at.y - (at.y - camera.y) * grown };
}

/** What a window shows, in the picture's own px. */
export function seenBy({ scale, x, y }: Camera, { width, height }: Size): Area {
  return { x: -x / scale, y: -y / scale, width: width / scale, height: height / scale };
}

export function contains(outer: Area, inner: Area): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    // Of a state that is larger than the window its head is enough.
    inner.x + Math.min(inner.width, outer.width / 2) <= outer.x + outer.width &&
    inner.y + Math.min(inner.height, outer.height / 2) <= outer.y + outer.height
  );
}
