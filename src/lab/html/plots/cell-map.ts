/** Cells over two axes of categories, each filled with a colour, and with a text where it has room: what maps are drawn on. */
import { categoriesAcross, categoriesDown, FONT_PX, INK, roomFor, STILL, WIDTH_PX } from '../theme.ts';
import type { Api } from './course.ts';

/** Where a cell stands on both axes. */
export interface Place {
  readonly across: number;
  readonly down: number;
}

export interface CellAxis {
  readonly name: string;
  readonly labels: readonly string[];
}

/** How a cell looks. */
export interface CellLook {
  readonly fill: string;
  readonly text: string;
  readonly ink: string;
}

export interface CellMapOptions<C extends Place> {
  readonly cells: readonly C[];
  readonly across: CellAxis;
  readonly down: CellAxis;
  readonly rowPx: number;
  /** Narrower cells have no text at all. */
  readonly textMinPx: number;
  look(cell: C, widthPx: number): CellLook;
  /** What else is particular to the texts. */
  readonly textStyle?: Readonly<Record<string, unknown>>;
}

const RIGHT_PX = 28;
const AXES_PX = 76;

/** What the plotting library is given, and how high it becomes. */
export function cellMap<C extends Place>(options: CellMapOptions<C>) {
  const { cells, across, down, rowPx, textMinPx, look, textStyle = {} } = options;
  const left = roomFor(down.labels) + 28;
  const cellPx = (WIDTH_PX - left - RIGHT_PX) / across.labels.length;
  const series = {
    ...STILL,
    type: 'custom',
    data: cells.map(({ across: x, down: y }) => [x, y]),
    encode: { x: 0, y: 1 },
    renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) => {
      const cell = cells[dataIndex] as C;
      const [x, y] = api.coord([cell.across, cell.down]);
      const { fill, text, ink } = look(cell, cellPx);
      const style = { text, fill: ink, fontSize: FONT_PX, ...textStyle };
      return {
        type: 'rect',
        silent: true,
        shape: { x: x - cellPx / 2 + 1, y: y - rowPx / 2 + 1, width: Math.max(1, cellPx - 2), height: rowPx - 2 },
        style: { fill },
        ...(cellPx < textMinPx
          ? {}
          : { textContent: { type: 'text', silent: true, style }, textConfig: { position: 'inside' } }),
      };
    },
  };
  return {
    heightPx: AXES_PX + rowPx * down.labels.length,
    option: {
      grid: { left, right: RIGHT_PX, top: 8, bottom: 60 },
      xAxis: categoriesAcross(across.name, across.labels),
      yAxis: {
        ...categoriesDown(down.labels, left - 28),
        inverse: false,
        name: down.name,
        nameLocation: 'middle',
        nameGap: left - 24,
        nameTextStyle: { color: INK, fontSize: FONT_PX },
      },
      series: [series],
    },
  };
}
