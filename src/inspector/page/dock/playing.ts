/** Playing: the cursor moves through the run's own time, within what is zoomed into, at a speed that fits until one is chosen. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { SPEEDS, type Store } from '../store.ts';

/** Unless somebody says otherwise, what is shown takes about this long. */
const SHOWN_IN_S = 12;

export function usePlaying(store: Store): void {
  const { playing } = store;
  useFittingSpeed(store);
  useEffect(() => {
    if (!playing.value) return;
    const { cursor, span, speed } = store;
    const isOutside = cursor.value.atNs >= span.value.toNs || cursor.value.atNs < span.value.fromNs;
    if (isOutside) store.seekTime(span.value.fromNs);
    let lastMs = performance.now();
    let frame = requestAnimationFrame(function next(nowMs) {
      const atNs = cursor.value.atNs + Math.max(0, nowMs - lastMs) * 1e6 * speed.value;
      const { toNs } = span.value;
      lastMs = nowMs;
      store.seekTime(Math.min(atNs, toNs));
      if (atNs >= toNs) playing.value = false;
      else frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing.value]);
}

/** A speed that is not the one that was set here was chosen by somebody, and stays. */
function useFittingSpeed({ speed, span, run }: Store): void {
  const fitted = useRef<number | undefined>(undefined);
  useSignalEffect(() => {
    const { fromNs, toNs } = span.value;
    if ((run.value?.course.value?.folded ?? 0) === 0) return;
    if (fitted.current !== undefined && fitted.current !== speed.peek()) return;
    fitted.current = fittingSpeed((toNs - fromNs) / 1e9);
    speed.value = fitted.current;
  });
}

export function fittingSpeed(shownS: number): number {
  const wanted = Math.log(Math.max(1e-9, shownS / SHOWN_IN_S));
  const [best] = [...SPEEDS].sort((a, b) => Math.abs(Math.log(a) - wanted) - Math.abs(Math.log(b) - wanted));
  return best ?? 1;
}
