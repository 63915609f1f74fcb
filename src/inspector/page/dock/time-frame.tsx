/**
 * The frame of every picture over time: names at the left, an axis on top, and over all of it the cursor, the pointer's time and
 * what is being dragged. The picture scrolls under the axis; the lines move without anything being drawn again.
 */
import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals';
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { moment } from '../format.ts';
import { type Store, useStore } from '../store.ts';
import { GUTTER_PX, nsOf, type TimeScale, ticksOf, xOf } from './time-scale.ts';
import { type Gestures, type Hover, useSpanGestures } from './use-span-gestures.ts';

export interface Frame {
  readonly scale: ReadonlySignal<TimeScale>;
  readonly plot: RefObject<HTMLDivElement>;
  readonly gestures: Gestures;
}

export function useFrame(click?: (hover: Hover) => boolean): Frame {
  const store = useStore();
  const plot = useRef<HTMLDivElement>(null);
  const width = useWidth(plot);
  const scale = useComputed((): TimeScale => ({ ...store.span.value, width: width.value }));
  const gestures = useSpanGestures(store, plot as RefObject<HTMLElement>, () => scale.peek(), click);
  return { scale, plot: plot as RefObject<HTMLDivElement>, gestures };
}

function useWidth(ref: { readonly current: HTMLElement | null }): Signal<number> {
  const width = useSignal(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    width.value = element.clientWidth;
    const observer = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

interface TimeFrameProps {
  readonly frame: Frame;
  readonly head?: ComponentChildren;
  readonly gutter: ComponentChildren;
  readonly children: ComponentChildren;
  readonly kind: string;
}

export function TimeFrame({ frame, head, gutter, children, kind }: TimeFrameProps) {
  return (
    <div class={`time-frame ${kind}`} style={{ '--gutter': `${GUTTER_PX}px` }}>
      <div class="time-head">
        <div class="gutter-head">{head}</div>
        <Axis frame={frame} />
      </div>
      <div class="time-body">
        <div class="gutter">{gutter}</div>
        <div class="plot" ref={frame.plot}>
          {children}
        </div>
      </div>
      <Lines frame={frame} />
    </div>
  );
}

function Axis({ frame }: { readonly frame: Frame }) {
  const scale = frame.scale.value;
  return (
    <div class="axis" aria-hidden="true">
      {ticksOf(scale).map(({ atNs, label }) => (
        <span key={atNs} class="tick" style={{ transform: `translateX(${xOf(scale, atNs)}px)` }}>
          {label}
        </span>
      ))}
    </div>
  );
}

/** Over the whole frame; only these move while the cursor does. */
function Lines({ frame }: { readonly frame: Frame }) {
  const store = useStore();
  const { selected } = frame.gestures;
  const cursor = useComputed(() => lineStyle(xOf(frame.scale.value, store.cursor.value.atNs), frame.scale.value));
  const hover = useComputed(() => lineStyle(frame.gestures.hover.value?.x ?? -1, frame.scale.value));
  const hoverTime = useComputed(() => hoverText(frame, store));
  const width = useComputed(() => `width:${frame.scale.value.width}px`);
  return (
    <div class="lines" style={width} aria-hidden="true">
      {selected.value !== undefined && (
        <span
          class="selected"
          style={{ left: `${selected.value.from}px`, width: `${selected.value.to - selected.value.from}px` }}
        />
      )}
      <span class="line hover" style={hover}>
        <span class="hover-time">{hoverTime}</span>
      </span>
      <span class="line cursor" style={cursor} />
    </div>
  );
}

function lineStyle(x: number, { width }: TimeScale): string {
  return x < 0 || x > width ? 'display:none' : `transform:translateX(${x.toFixed(1)}px)`;
}

function hoverText({ gestures, scale }: Frame, _store: Store): string {
  const { value } = gestures.hover;
  return value === undefined ? '' : moment(nsOf(scale.value, value.x));
}
