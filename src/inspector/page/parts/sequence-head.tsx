/** The names above the columns of the sequence; they stay while it scrolls. */
import { useStore } from '../store.ts';
import type { ColumnPlaces } from './sequence-row.tsx';

/** Who is no chart of the run. */
const OUTSIDE = ['operator', 'driver', 'clock', 'import'];

export function SequenceHead({ places }: { readonly places: ColumnPlaces }) {
  const { selection, view } = useStore();
  return (
    <div class="sequence-head" style={{ width: `${places.widthPx}px` }}>
      <span class="sequence-corner">record</span>
      {[...places.at].map(([column, x]) => {
        const [kind, name] = nameOf(column);
        const style = { left: `${x - places.eachPx / 2}px`, width: `${places.eachPx}px` };
        if (OUTSIDE.includes(column) || column.startsWith('policy:')) {
          return (
            <span key={column} class="column-name outside" style={style} title={`${column}: outside of the charts`}>
              {kind}
              <small>{name}</small>
            </span>
          );
        }
        return (
          <button
            key={column}
            type="button"
            class="column-name"
            style={style}
            title={`${column}: show its chart`}
            data-column={column}
            onClick={() => {
              selection.value = { chart: column };
              view.value = 'chart';
            }}
          >
            {kind}
            <small>{name}</small>
          </button>
        );
      })}
    </div>
  );
}

/** `device/destination/nic0` -> `device`, `dest. nic0`. */
function nameOf(column: string): readonly [kind: string, name: string] {
  if (column.startsWith('policy:')) return ['function', column.slice('policy:'.length)];
  const [kind = '', ...rest] = column.split('/');
  return [kind, rest.map((part) => (part === 'destination' ? 'dest.' : part)).join(' ')];
}
