/** Beside the rows of a table: arcs from the current record to its cause and to its consequences. */

export interface Arc {
  readonly kind: 'cause' | 'consequence';
  /** Where its two ends are, in px from the top of what is in sight; outside of it, the arc leaves through the edge. */
  readonly fromPx: number;
  readonly toPx: number;
}

const WIDTH_PX = 34;

export function LinkArrows({ arcs, heightPx }: { readonly arcs: readonly Arc[]; readonly heightPx: number }) {
  return (
    <svg class="link-arrows" width={WIDTH_PX} height={heightPx} aria-hidden="true">
      {arcs.map(({ kind, fromPx, toPx }) => (
        <ArcLine key={`${kind} ${fromPx} ${toPx}`} kind={kind} fromPx={fromPx} toPx={toPx} />
      ))}
    </svg>
  );
}

function ArcLine({ kind, fromPx, toPx }: Arc) {
  const reach = Math.min(WIDTH_PX - 8, 10 + Math.abs(toPx - fromPx) / 8);
  const [right, left] = [WIDTH_PX - 3, WIDTH_PX - 5 - reach];
  return (
    <g class={kind}>
      <path d={`M${right} ${fromPx} C${left} ${fromPx} ${left} ${toPx} ${right - 5} ${toPx}`} />
      <path class="head" d={`M${right} ${toPx} l-7 -3.5 v7 z`} />
    </g>
  );
}
