/**
 * A window onto one chart's picture: zoomed by the wheel, moved by dragging, walked through by keys. It follows what is active
 * until a person moves it; from then on it moves only when that is asked for.
 */
import { type Signal, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Camera, Size } from '../picture/camera.ts';
import { type CameraMoves, cameraMoves } from '../picture/camera-moves.ts';
import type { Lit } from '../picture/lights.ts';
import { Minimap } from '../picture/minimap.tsx';
import { pressedIn, stateUnder } from '../picture/picture-keys.ts';
import { usePan } from '../picture/use-pan.ts';
import { usePicture } from '../picture/use-picture.ts';
import { ZoomTools } from '../picture/zoom-tools.tsx';
import { keepsInView, lookedElsewhere, pictureWish } from './chart-signals.ts';

export interface ChartViewProps {
  /** The picture's name. */
  readonly picture: string;
  /** For who cannot see it. */
  readonly label: string;
  readonly lit: Lit | undefined;
  readonly chosen: string | undefined;
  /** Undefined: where it is best seen at first. */
  readonly camera: Signal<Camera | undefined>;
  /** The record that is shown. */
  readonly position?: number | undefined;
  choose(state: string | undefined): void;
}

export function ChartView({ picture, label, lit, chosen, camera, position, choose }: ChartViewProps) {
  const frame = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const window = useSize(frame);
  const found = usePicture(picture);
  const drawn = found !== undefined && 'svg' in found ? found : undefined;
  const active = lit?.active ?? NOTHING;
  const moves = useMemo(
    () => (drawn === undefined || window === undefined ? undefined : cameraMoves(camera, drawn.boxes, window, active)),
    [camera, drawn, window, active],
  );
  const pan = usePan(frame, camera, moves?.least ?? 1, lookedElsewhere);

  useLayoutEffect(() => {
    if (drawn !== undefined) canvas.current?.replaceChildren(drawn.svg);
  }, [drawn]);
  useLayoutEffect(() => {
    drawn?.lights.show(lit);
    drawn?.lights.choose(chosen);
  }, [drawn, lit, chosen]);
  useLayoutEffect(() => moves?.begin());
  useLayoutEffect(() => {
    if (keepsInView.value) moves?.reveal(active);
  }, [moves, keepsInView.value]);
  useWishes(moves);

  const at = camera.value;
  return (
    <section
      ref={frame}
      class="chart-view"
      aria-label={label}
      data-position={position}
      data-picture={drawn === undefined ? undefined : picture}
      onPointerDown={pan.onPointerDown}
      onPointerMove={pan.onPointerMove}
      onPointerUp={pan.onPointerUp}
      onPointerCancel={pan.onPointerUp}
      onClick={(event) => {
        if (pan.endsDrag() || isTool(event.target)) return;
        const state = stateUnder(event.target);
        choose(state === '' || state === chosen ? undefined : state);
      }}
      onKeyDown={(event) => {
        if (drawn !== undefined && moves !== undefined)
          pressedIn({ moves: moving(moves), lights: drawn.lights, chosen, choose }, event);
      }}
      onFocusIn={({ target }) => {
        const state = stateUnder(target);
        if (state === undefined) return;
        // A browser scrolls to what has the focus, and the camera would not know.
        frame.current?.scrollTo(0, 0);
        moves?.reveal([state]);
      }}
    >
      <div
        ref={canvas}
        class="picture"
        style={at && { transform: `translate(${at.x}px, ${at.y}px) scale(${at.scale})` }}
      />
      {found !== undefined && 'trouble' in found && <p class="no-picture">{found.trouble}</p>}
      {drawn !== undefined && window !== undefined && (
        <Minimap boxes={drawn.boxes} active={active} camera={camera} window={window} moved={lookedElsewhere} />
      )}
      <ZoomTools moves={moves} scale={at?.scale} />
    </section>
  );
}

const NOTHING: readonly string[] = [];

/** Moved by a person's keys. */
function moving(moves: CameraMoves): CameraMoves {
  return {
    ...moves,
    moveBy(x, y) {
      lookedElsewhere();
      moves.moveBy(x, y);
    },
  };
}

/** What the page's keys ask of all pictures is done once by each that is there. */
function useWishes(moves: CameraMoves | undefined): void {
  const latest = useRef(moves);
  latest.current = moves;
  const granted = useRef(pictureWish.peek()?.nth ?? 0);
  useSignalEffect(() => {
    const wish = pictureWish.value;
    if (wish === undefined || wish.nth === granted.current) return;
    granted.current = wish.nth;
    if (wish.wish === 'fit') latest.current?.fit();
    else latest.current?.showActive();
  });
}

function useSize(frame: { readonly current: HTMLElement | null }): Size | undefined {
  const [size, setSize] = useState<Size | undefined>(undefined);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

function isTool(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.zoom-tools, .minimap') !== null;
}
