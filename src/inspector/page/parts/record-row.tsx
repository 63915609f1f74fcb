/** One record as a row of the table. */
import type { RowData } from '../../view/row-data.ts';
import { cut, moment } from '../format.ts';
import { jump } from '../record-search.ts';
import { type RunState, useStore } from '../store.ts';
import { Marked } from './marked.tsx';

interface RecordRowProps {
  readonly run: RunState;
  readonly position: number;
  readonly isCurrent: boolean;
  readonly topPx: number;
  readonly row: number;
  readonly data: RowData | undefined;
  readonly words: readonly string[];
}

/** More consequences than these are in the details. */
const CONSEQUENCES_MAX = 2;
const TITLE_MAX = 20;

export function RecordRow({ run, position, isCurrent, topPx, row, data, words }: RecordRowProps) {
  const store = useStore();
  const { table } = run;
  const [to, type, by] = [table.to(position), table.type(position), table.by(position)].map((name) => cut(name)) as [
    string,
    string,
    string,
  ];
  const cause = table.cause(position);
  const isBad = data?.notes.some(({ kind }) => kind === 'failure') ?? false;
  return (
    <tr
      id={`record-${position}`}
      class={isBad ? 'record bad' : 'record'}
      aria-rowindex={row + 1}
      aria-current={isCurrent ? 'true' : undefined}
      data-position={position}
      style={{ top: `${topPx}px` }}
      onClick={() => jump(store, position)}
    >
      <td class="number">{position}</td>
      <td class="number">{moment(table.atNs(position))}</td>
      <td title={to}>
        <Marked text={to} words={words} />
      </td>
      <td class="type" title={type}>
        <Marked text={type} words={words} />
      </td>
      <td class={`by by-${by.split(':')[0]}`} title={by}>
        <Marked text={by} words={words} />
      </td>
      <td>{cause >= 0 && <LinkButton position={cause} kind="cause" />}</td>
      <td class="led-to">
        <Consequences positions={table.consequences(position)} pending={data?.pending ?? 0} />
      </td>
      <td class="data" title={data?.data}>
        {data?.notes.map(({ kind, text }) => (
          <span key={`${kind} ${text}`} class={`note ${kind}`} title={text}>
            {text}
          </span>
        ))}
        <Marked text={data?.data ?? ''} words={words} />
      </td>
    </tr>
  );
}

function Consequences({ positions, pending }: { readonly positions: readonly number[]; readonly pending: number }) {
  const more = positions.length - CONSEQUENCES_MAX;
  return (
    <>
      {positions.slice(0, CONSEQUENCES_MAX).map((one) => (
        <LinkButton key={one} position={one} kind="consequence" />
      ))}
      {more > 0 && <span title={positions.slice(CONSEQUENCES_MAX, TITLE_MAX).join(', ')}>+{more}</span>}
      {pending > 0 && (
        <span class="pending" title={`${pending} of its commands and timers are still waited for`}>
          {pending} open
        </span>
      )}
    </>
  );
}

/** To a record that another one answers (`←`), or that answers it (`→`). */
export function LinkButton({ position, kind }: { readonly position: number; readonly kind: 'cause' | 'consequence' }) {
  const store = useStore();
  const what = kind === 'cause' ? 'Its cause' : 'A consequence';
  return (
    <button
      type="button"
      class={`record-link ${kind}`}
      tabIndex={-1}
      data-jump={position}
      aria-label={`${what}: record ${position}`}
      title={`${what}: record ${position}`}
      onClick={(event) => {
        event.stopPropagation();
        jump(store, position);
      }}
    >
      {kind === 'cause' ? `← ${position}` : `→ ${position}`}
    </button>
  );
}
