/** How high the lower part of the page is: dragged or set with the arrow keys, and remembered by this browser. */
import { type Signal, signal } from '@preact/signals';
import { useRef } from 'preact/hooks';

const KEPT = 'switchover.dock-px';
const LEAST_PX = 150;
/** Of the window: something of what is above it stays. */
const MOST_SHARE = 0.75;
const STEP_PX = 24;

/** Undefined: as the style sheet has it. */
export const dockPx: Signal<number | undefined> = signal(kept());

export function DockEdge() {
  const pressed = useRef<{ readonly y: number; readonly px: number } | undefined>(undefined);
  const heightNow = (edge: HTMLElement) => edge.parentElement?.getBoundingClientRect().height ?? LEAST_PX;
  return (
    <hr
      class="dock-edge"
      tabIndex={0}
      aria-label="Height of the lower part"
      aria-orientation="horizontal"
      aria-valuemin={LEAST_PX}
      aria-valuemax={Math.round(window.innerHeight * MOST_SHARE)}
      aria-valuenow={dockPx.value}
      title="Drag, or ↑ and ↓; a double click sets it back"
      onDblClick={() => keep(undefined)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pressed.current = { y: event.clientY, px: heightNow(event.currentTarget) };
      }}
      onPointerMove={({ clientY }) => {
        const { current } = pressed;
        if (current !== undefined) keep(current.px + current.y - clientY);
      }}
      onPointerUp={() => {
        pressed.current = undefined;
      }}
      onKeyDown={(event) => {
        const by = event.key === 'ArrowUp' ? STEP_PX : event.key === 'ArrowDown' ? -STEP_PX : undefined;
        if (by === undefined) return;
        event.preventDefault();
        keep(heightNow(event.currentTarget) + by);
      }}
    />
  );
}

function keep(px: number | undefined): void {
  dockPx.value =
    px === undefined ? undefined : Math.round(Math.min(Math.max(LEAST_PX, px), window.innerHeight * MOST_SHARE));
  try {
    if (dockPx.value === undefined) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, String(dockPx.value));
  } catch {
    // A page from disk may not be allowed to keep anything.
  }
}

function kept(): number | undefined {
  try {
    const found = Number(localStorage.getItem(KEPT) ?? Number.NaN);
    return found >= LEAST_PX ? found : undefined;
  } catch {
    return undefined;
  }
}
