/** Guest memory, address by time: which pages who dirtied, which were sent, and which again. The model is run again for it. */
import { type Signal, useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { MemoryLayer } from '../../page-data.ts';
import { digits, memoryBytes, moment } from '../format.ts';
import { useStore } from '../store.ts';
import { scheme } from '../theme.ts';
import {
  addressTicks,
  cellAt,
  type DecodedMap,
  LAYER_NAMES,
  LAYERS,
  pictureOf,
  type Raster,
  type Rgb,
} from './memory-picture.ts';
import { type Palette, palette } from './palette.ts';
import { type Frame, TimeFrame, useFrame } from './time-frame.tsx';
import { nsOf, type TimeScale, xOf } from './time-scale.ts';
import { useCanvas } from './use-canvas.ts';
import { type MemoryAnswer, useMemoryMap } from './use-memory-map.ts';

export function MemoryDock() {
  const store = useStore();
  const answer = useMemoryMap(store);
  const shown = useSignal<ReadonlySet<MemoryLayer>>(new Set(LAYERS));
  const height = useSignal(120);
  const frame = useFrame();
  const canvas = useRef<HTMLCanvasElement>(null);
  useHeight(frame, height);
  useCanvas(
    canvas as RefObject<HTMLCanvasElement>,
    () => ({ width: frame.scale.value.width, height: height.value }),
    () => {
      const [map, scale, layers, px, _] = [
        answer.value?.map,
        frame.scale.value,
        shown.value,
        height.value,
        scheme.value,
      ];
      return (context) => {
        if (map !== undefined) drawMemory(context, scale, px, map, layers);
      };
    },
  );
  const none = store.run.value?.header.noMemoryMap;
  return (
    <TimeFrame
      kind="memory"
      frame={frame}
      head={<Waiting answer={answer} />}
      gutter={<Gutter shown={shown} answer={answer} height={height} />}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={summaryOf(answer.value?.map)}
        style={{ height: `${height.value}px`, width: '100%' }}
      />
      {none !== undefined && <p class="nothing">There is no memory map: {none}</p>}
      {answer.value?.trouble !== undefined && (
        <p class="nothing trouble" role="alert">
          {answer.value.trouble}
        </p>
      )}
      <MemoryTip frame={frame} answer={answer} height={height} />
    </TimeFrame>
  );
}

function Waiting({ answer }: { readonly answer: Signal<MemoryAnswer | undefined> }) {
  return <span role="status">{answer.value?.isAsking === true ? 'the model runs again …' : 'memory by address'}</span>;
}

/** As high as there is room. */
function useHeight({ plot }: Frame, height: Signal<number>): void {
  useEffect(() => {
    const body = plot.current?.parentElement;
    if (!body) return;
    const observer = new ResizeObserver(() => {
      height.value = Math.max(96, body.clientHeight);
    });
    observer.observe(body);
    return () => observer.disconnect();
  }, []);
}

interface GutterProps {
  readonly shown: Signal<ReadonlySet<MemoryLayer>>;
  readonly answer: Signal<MemoryAnswer | undefined>;
  readonly height: Signal<number>;
}

const TICK_PX = 28;

function Gutter({ shown, answer, height }: GutterProps) {
  const ticks = useComputed(() => {
    const map = answer.value?.map?.map;
    return map === undefined ? [] : addressTicks(map, height.value / TICK_PX);
  });
  const toggle = (layer: MemoryLayer) => {
    const next = new Set(shown.value);
    if (!next.delete(layer)) next.add(layer);
    shown.value = next;
  };
  return (
    <div class="memory-gutter" style={{ height: `${height.value}px` }}>
      <div class="layers">
        {LAYERS.map((layer) => (
          <label key={layer}>
            <input type="checkbox" checked={shown.value.has(layer)} onChange={() => toggle(layer)} />
            <i class="swatch" style={{ background: `var(--memory-${layer})` }} />
            {LAYER_NAMES[layer]}
          </label>
        ))}
      </div>
      {ticks.value.map(({ up, bytes: address }) => (
        <span key={address} class="address" style={{ bottom: `${up * height.value}px` }}>
          {memoryBytes(address).replace(/\.0+ /, ' ')}
        </span>
      ))}
    </div>
  );
}

const pictures = new WeakMap<DecodedMap, { readonly key: string; readonly canvas: OffscreenCanvas }>();

function drawMemory(
  context: CanvasRenderingContext2D,
  scale: TimeScale,
  height: number,
  decoded: DecodedMap,
  shown: ReadonlySet<MemoryLayer>,
): void {
  const { fromNs, toNs } = decoded.map;
  const [from, to] = [xOf(scale, fromNs), xOf(scale, toNs)];
  context.imageSmoothingEnabled = false;
  const ratio = window.devicePixelRatio || 1;
  // No more pixels than there are cells, and none than there are to be seen.
  const raster = {
    width: Math.max(1, Math.min(decoded.map.timeBins, Math.round((to - from) * ratio))),
    height: Math.max(1, Math.min(decoded.map.addressBins, Math.round(height * ratio))),
  };
  context.drawImage(rastered(decoded, shown, raster), from, 0, Math.max(1, to - from), height);
}

/** Made once for each map, choice of layers, size and theme; a zoom only stretches it until another map is there. */
function rastered(decoded: DecodedMap, shown: ReadonlySet<MemoryLayer>, raster: Raster): OffscreenCanvas {
  const { width, height } = raster;
  const key = `${scheme.peek()} ${width} ${height} ${[...shown].sort().join()}`;
  const known = pictures.get(decoded);
  if (known?.key === key) return known.canvas;
  const canvas = new OffscreenCanvas(width, height);
  const pixels = pictureOf(decoded, shown, coloursOf(palette()), raster);
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  pictures.set(decoded, { key, canvas });
  return canvas;
}

function coloursOf(colour: Palette): Record<MemoryLayer, Rgb> {
  return Object.fromEntries(LAYERS.map((layer) => [layer, rgbOf(colour(`memory-${layer}`))])) as Record<
    MemoryLayer,
    Rgb
  >;
}

/** `#rrggbb`, as the style sheet has them. */
function rgbOf(hex: string): Rgb {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

interface TipProps {
  readonly frame: Frame;
  readonly answer: Signal<MemoryAnswer | undefined>;
  readonly height: Signal<number>;
}

function MemoryTip({ frame, answer, height }: TipProps) {
  const at = frame.gestures.hover.value;
  const map = answer.value?.map;
  if (at === undefined || map === undefined || frame.gestures.selected.value !== undefined) return null;
  const ns = nsOf(frame.scale.value, at.x);
  const cell = cellAt(map, ns, 1 - at.y / height.value);
  if (cell === undefined) return null;
  const { pageBytes } = map.map;
  const side =
    at.clientX > window.innerWidth - 300
      ? { right: `${window.innerWidth - at.clientX + 14}px` }
      : { left: `${at.clientX + 14}px` };
  return (
    <div
      class="tip"
      role="tooltip"
      style={{ ...side, bottom: `${Math.max(8, window.innerHeight - at.clientY + 14)}px` }}
    >
      <p class="what">
        <b>{memoryBytes(cell.pages * pageBytes)}</b> from {memoryBytes(cell.firstPage * pageBytes)} on, at {moment(ns)}
      </p>
      {cell.shares.length === 0 && <p class="when">nobody touched it</p>}
      {cell.shares.map(({ layer, percent }) => (
        <p class="when" key={layer}>
          {LAYER_NAMES[layer]}: {percent < 1 ? 'less than 1' : digits(percent, 2)} %
        </p>
      ))}
    </div>
  );
}

function summaryOf(decoded: DecodedMap | undefined): string {
  if (decoded === undefined) return 'No memory map yet';
  const touched = LAYERS.map((layer) => {
    const count = decoded.cells[layer].reduce((sum, share) => sum + (share > 0 ? 1 : 0), 0);
    return `${LAYER_NAMES[layer]}: ${digits((100 * count) / Math.max(1, decoded.cells[layer].length), 2)} % of the map`;
  });
  return `Memory by address over time. ${touched.join(', ')}`;
}
