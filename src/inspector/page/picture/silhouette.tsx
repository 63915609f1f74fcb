/** A chart in small: its states as boxes without words, active ones lit. */
import type { Boxes } from './boxes.ts';
import type { Area, Size } from './camera.ts';

interface SilhouetteProps {
  readonly boxes: Boxes;
  readonly active: readonly string[];
  /** It is made as large as fits. */
  readonly within: Size;
  /** What another window shows of it. */
  readonly seen?: Area;
}

export function Silhouette({ boxes, active, within, seen }: SilhouetteProps) {
  const scale = scaleOf(boxes, within);
  const lit = new Set(active);
  // A box of less than two px is not seen: outlines stay as wide whatever the scale.
  return (
    <svg
      class="silhouette"
      aria-hidden="true"
      width={boxes.width * scale}
      height={boxes.height * scale}
      viewBox={`0 0 ${boxes.width} ${boxes.height}`}
    >
      {boxes.states.map(({ state, x, y, width, height, isOuter }) => (
        <rect
          key={state}
          class={`${isOuter ? 'outer' : 'inner'}${lit.has(state) ? ' active' : ''}`}
          x={x}
          y={y}
          width={width}
          height={height}
          rx={6}
          vector-effect="non-scaling-stroke"
        />
      ))}
      {seen !== undefined && <rect class="seen" {...seen} vector-effect="non-scaling-stroke" />}
    </svg>
  );
}

/** px of the silhouette to a px of the picture. */
export function scaleOf(boxes: Size, within: Size): number {
  return Math.min(within.width / boxes.width, within.height / boxes.height);
}
