/** Kinds of charts in layers from left to right, tied by what they tell each other; both directions are one line with two ends. */
import { useState } from 'preact/hooks';
import { countOf, pairOf, pickedTeller, type TellerLook } from '../teller-look.ts';

const NODE = { widthPx: 112, heightPx: 28 } as const;
const LAYER_PX = 160;
const HEIGHT_PX = 372;
const MARGIN_PX = 14;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly layer: number;
}

interface Tie {
  readonly a: string;
  readonly b: string;
  readonly isCommand: boolean;
}

export function TellerPicture({ look }: { readonly look: TellerLook }) {
  const [hovered, setHovered] = useState<string | undefined>();
  const { layers } = look.map;
  const places = placesOf(layers);
  const width = 2 * MARGIN_PX + (layers.length - 1) * LAYER_PX + NODE.widthPx;
  const picked = pickedTeller.value;
  const isNear = ({ a, b }: Tie) => {
    const kind = hovered ?? (picked?.to === undefined ? picked?.from : undefined);
    if (kind !== undefined) return a === kind || b === kind;
    return picked !== undefined && [picked.from, picked.to].includes(a) && [picked.from, picked.to].includes(b);
  };
  return (
    <div class="teller-picture">
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing whose parts are pressed is a group. */}
      <svg viewBox={`0 0 ${width} ${HEIGHT_PX}`} role="group" aria-label="Charts by kind, and who tells whom">
        {tiesOf(look).map((tie) => (
          <TieLine key={`${tie.a} ${tie.b}`} tie={tie} look={look} places={places} isNear={isNear(tie)} />
        ))}
        {[...places].map(([kind, { x, y }]) => (
          // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG.
          <g
            key={kind}
            class={`teller ${look.open.has(kind) ? 'open' : 'closed'}${isLit(look, kind) ? ' lit' : ''}${kind === 'driver' ? ' driver' : ''}`}
            role="button"
            tabIndex={0}
            data-kind={kind}
            aria-label={`${kind}: whom it tells, and who tells it`}
            aria-pressed={picked?.from === kind && picked.to === undefined}
            onMouseEnter={() => setHovered(kind)}
            onMouseLeave={() => setHovered(undefined)}
            onClick={() => pick(kind)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') pick(kind);
            }}
          >
            <rect x={x} y={y - NODE.heightPx / 2} width={NODE.widthPx} height={NODE.heightPx} rx="6" />
            <text x={x + NODE.widthPx / 2} y={y + 4} text-anchor="middle">
              {kind}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

function pick(from: string, to?: string): void {
  pickedTeller.value = to === undefined ? { from } : { from, to };
}

function isLit({ now }: TellerLook, kind: string): boolean {
  return [...now].some((pair) => pair.split(' ').includes(kind));
}

interface TieLineProps {
  readonly tie: Tie;
  readonly look: TellerLook;
  readonly places: ReadonlyMap<string, Place>;
  readonly isNear: boolean;
}

function TieLine({ tie, look, places, isNear }: TieLineProps) {
  const [from, to] = [places.get(tie.a), places.get(tie.b)];
  if (from === undefined || to === undefined) return null;
  const [there, back] = [pairOf({ from: tie.a, to: tie.b }), pairOf({ from: tie.b, to: tie.a })];
  const count = countOf(look.soFar, { from: tie.a, to: tie.b }) + countOf(look.soFar, { from: tie.b, to: tie.a });
  const [nowThere, nowBack] = [look.now.has(there), look.now.has(back)];
  const path = curve(from, to);
  const look3 = [
    tie.isCommand ? 'command' : 'message',
    nowThere || nowBack ? 'now' : '',
    count === 0 ? 'idle' : '',
    isNear ? 'near' : '',
  ];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the matrix and the kinds say the same to a keyboard.
    <g class={`tie ${look3.filter((one) => one !== '').join(' ')}`} data-tie={there} onClick={() => pick(tie.a, tie.b)}>
      <path class="hit" d={path.d} />
      <path class="line" d={path.d} />
      {nowThere && <path class="head" d={arrow(path.end)} />}
      {nowBack && <path class="head" d={arrow(path.start)} />}
      <title>{`${tie.a} and ${tie.b}: told ${count} times so far`}</title>
    </g>
  );
}

interface End {
  readonly x: number;
  readonly y: number;
  /** Which way the arrow points. */
  readonly way: 1 | -1;
}

/** From side to side; inside a layer, around on the right. */
function curve(a: Place, b: Place): { readonly d: string; readonly start: End; readonly end: End } {
  const right = (place: Place) => place.x + NODE.widthPx;
  if (a.layer === b.layer) {
    const [x, bulge] = [right(a), 18 + Math.abs(a.y - b.y) / 6];
    const d = `M${x} ${a.y} C${x + bulge} ${a.y} ${x + bulge} ${b.y} ${x} ${b.y}`;
    return { d, start: { x, y: a.y, way: -1 }, end: { x, y: b.y, way: -1 } };
  }
  const isForth = a.layer < b.layer;
  const [x1, x2] = isForth ? [right(a), b.x] : [a.x, right(b)];
  const middle = (x1 + x2) / 2;
  const d = `M${x1} ${a.y} C${middle} ${a.y} ${middle} ${b.y} ${x2} ${b.y}`;
  return { d, start: { x: x1, y: a.y, way: isForth ? -1 : 1 }, end: { x: x2, y: b.y, way: isForth ? 1 : -1 } };
}

function arrow({ x, y, way }: End): string {
  return `M${x} ${y} l${-9 * way} -4.5 v9 z`;
}

function placesOf(layers: readonly (readonly string[])[]): ReadonlyMap<string, Place> {
  return new Map(
    layers.flatMap((kinds, layer) =>
      kinds.map((kind, index) => {
        const y = ((index + 0.5) / kinds.length) * HEIGHT_PX;
        return [kind, { x: MARGIN_PX + layer * LAYER_PX, y, layer }] as const;
      }),
    ),
  );
}

/** Openings are left out: the root opens nearly all. */
function tiesOf({ map }: TellerLook): readonly Tie[] {
  const ties = new Map<string, Tie>();
  for (const { from, to, how } of map.edges) {
    if (how !== 'message' && how !== 'command') continue;
    const key = [from, to].sort().join(' ');
    if (!ties.has(key)) ties.set(key, { a: from, b: to, isCommand: how === 'command' });
  }
  return [...ties.values()];
}
