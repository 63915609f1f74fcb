/** A canvas that is drawn once a frame at most, whenever a signal that its drawing reads has changed, or its size. */
import { effect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

export interface CanvasSize {
  readonly width: number;
  readonly height: number;
}

/** Reads its signals at once and gives back what is to be done in the frame. */
export type Draw = () => (context: CanvasRenderingContext2D) => void;

export function useCanvas(ref: RefObject<HTMLCanvasElement>, size: () => CanvasSize, draw: Draw): void {
  useEffect(() => {
    let frame = 0;
    const stop = effect(() => {
      const { width, height } = size();
      const paint = draw();
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const canvas = ref.current;
        const context = canvas?.getContext('2d');
        if (!canvas || !context) return;
        const ratio = window.devicePixelRatio || 1;
        const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
        if (canvas.width !== w || canvas.height !== h) {
          canvas.width = w;
          canvas.height = h;
        }
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.clearRect(0, 0, width, height);
        paint(context);
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, []);
}
