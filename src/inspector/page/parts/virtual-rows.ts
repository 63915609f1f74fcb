/** A long list of equally high rows of which only those in sight are there: which ones, and how one is brought into sight. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface VirtualRows {
  readonly ref: { current: HTMLElement | null };
  /** Rows in sight, and a few around them. */
  readonly first: number;
  readonly last: number;
  /** How many fit. */
  readonly fitting: number;
  /** Rows take turns in so many elements: one that stays in sight keeps its own, wherever the list is scrolled to. */
  readonly slots: number;
  readonly scrollPx: number;
  readonly scrollLeftPx: number;
  readonly widthPx: number;
  onScroll(): void;
  /** Scrolls no further than it must; to the middle when the row is far off. */
  reveal(row: number, rows?: number): void;
}

/** Drawn above and below what is in sight, so that a slow frame shows no gap. */
const AROUND_ROWS = 8;
/** Kept between the revealed row and the edge. */
const MARGIN_ROWS = 2;

/** `headPx`: of what sticks to the top inside the scrolled element. */
export function useVirtualRows(count: number, rowPx: number, headPx = 0): VirtualRows {
  const ref = useRef<HTMLElement | null>(null);
  const [{ scrollPx, scrollLeftPx }, setScroll] = useState({ scrollPx: 0, scrollLeftPx: 0 });
  const [{ heightPx, widthPx }, setSize] = useState({ heightPx: 400, widthPx: 800 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => setSize({ heightPx: element.clientHeight, widthPx: element.clientWidth });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const fitting = Math.max(1, Math.floor((heightPx - headPx) / rowPx));
  const top = Math.floor(scrollPx / rowPx);
  return {
    ref,
    first: Math.max(0, top - AROUND_ROWS),
    last: Math.min(count - 1, top + fitting + AROUND_ROWS),
    fitting,
    slots: fitting + 2 * AROUND_ROWS + 1,
    scrollPx,
    scrollLeftPx,
    widthPx,
    onScroll: () => setScroll({ scrollPx: ref.current?.scrollTop ?? 0, scrollLeftPx: ref.current?.scrollLeft ?? 0 }),
    reveal(row, rows = 1) {
      const element = ref.current;
      if (element === null || row < 0) return;
      const seenPx = element.clientHeight - headPx;
      const margin = Math.min(MARGIN_ROWS * rowPx, seenPx / 4);
      const [fromPx, toPx] = [row * rowPx, (row + Math.min(rows, fitting - 2)) * rowPx];
      const [above, below] = [element.scrollTop - (fromPx - margin), toPx + margin - element.scrollTop - seenPx];
      if (above <= 0 && below <= 0) return;
      if (Math.max(above, below) > seenPx) element.scrollTop = fromPx - seenPx / 3;
      else if (above > 0) element.scrollTop -= above;
      else element.scrollTop += below;
    },
  };
}
