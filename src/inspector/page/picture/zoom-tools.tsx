/** Buttons for what wheel and keys do, too. */
import { type CameraMoves, ZOOM_STEP } from './camera-moves.ts';

interface ZoomToolsProps {
  readonly moves: CameraMoves | undefined;
  readonly scale: number | undefined;
}

export function ZoomTools({ moves, scale }: ZoomToolsProps) {
  return (
    <fieldset class="zoom-tools" aria-label="Zoom of the chart">
      <button
        type="button"
        title="Zoom in (wheel; + where the chart has the focus)"
        aria-label="Zoom in"
        onClick={() => moves?.zoomBy(ZOOM_STEP)}
      >
        +
      </button>
      <button
        type="button"
        title="Zoom out (wheel; - where the chart has the focus)"
        aria-label="Zoom out"
        onClick={() => moves?.zoomBy(1 / ZOOM_STEP)}
      >
        −
      </button>
      <button
        type="button"
        title="The whole chart (Shift F)"
        aria-label="Fit the whole chart"
        onClick={() => moves?.fit()}
      >
        ⤢
      </button>
      <button
        type="button"
        title="The active state (v)"
        aria-label="Show the active state"
        onClick={() => moves?.showActive()}
      >
        ◎
      </button>
      <output class="zoom-level" aria-label="Zoom">
        {scale === undefined ? '' : `${Math.round(scale * 100)} %`}
      </output>
    </fieldset>
  );
}
