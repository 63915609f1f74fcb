/** Under the scrubber: which part of the run the pictures show. Its middle moves it, its ends make it longer or shorter. */
import { moment } from '../format.ts';
import { type Span, type Store, useStore } from '../store.ts';
import { movedBy, within } from './time-scale.ts';

interface ZoomStripProps {
  shareOf(store: Store, ns: number): number;
  nsAt(store: Store, share: number): number;
}

type Part = 'from' | 'whole' | 'to';

export function ZoomStrip({ shareOf, nsAt }: ZoomStripProps) {
  const store = useStore();
  const { span, zoom, endNs } = store;
  const [left, right] = [shareOf(store, span.value.fromNs), shareOf(store, span.value.toNs)];
  let drag: { readonly part: Part; readonly span: Span; readonly ns: number } | undefined;
  const nsOfEvent = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const strip = event.currentTarget.closest('.zoom-strip')?.getBoundingClientRect();
    if (strip === undefined) return 0;
    return nsAt(store, Math.min(1, Math.max(0, (event.clientX - strip.left) / strip.width)));
  };
  const handlers = (part: Part) => ({
    onPointerDown(event: PointerEvent & { readonly currentTarget: HTMLElement }) {
      event.stopPropagation();
      event.currentTarget.setPointerCapture(event.pointerId);
      drag = { part, span: span.peek(), ns: nsOfEvent(event) };
    },
    onPointerMove(event: PointerEvent & { readonly currentTarget: HTMLElement }) {
      if (drag === undefined || event.buttons !== 1) return;
      zoom.value = dragged(drag.span, drag.part, nsOfEvent(event) - drag.ns, endNs.value);
    },
    onPointerUp() {
      drag = undefined;
    },
  });
  const text = `${moment(span.value.fromNs)} to ${moment(span.value.toNs)}`;
  return (
    <div class="zoom-strip" data-zoomed={zoom.value !== undefined}>
      <span
        class="zoomed"
        title={`Shown below: ${text}. Drag it, or its ends; [ and ] move it.`}
        style={{ left: `${100 * left}%`, width: `${100 * Math.max(0, right - left)}%` }}
        {...handlers('whole')}
      >
        <i class="end from" {...handlers('from')} />
        <i class="end to" {...handlers('to')} />
      </span>
    </div>
  );
}

function dragged({ fromNs, toNs }: Span, part: Part, byNs: number, endNs: number): Span | undefined {
  switch (part) {
    case 'whole':
      return movedBy({ fromNs, toNs }, byNs, endNs);
    case 'from':
      return within({ fromNs: Math.min(fromNs + byNs, toNs), toNs }, endNs);
    case 'to':
      return within({ fromNs, toNs: Math.max(fromNs, toNs + byNs) }, endNs);
    default:
      return part satisfies never;
  }
}
