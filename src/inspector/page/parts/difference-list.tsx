/** What one record changed, chart by chart: the state before and after, and the keys of the context that are other now. */
import { useState } from 'preact/hooks';
import type { ChartDifference, Difference, KeyDifference } from '../../view/difference.ts';
import { cut } from '../format.ts';
import { useStore } from '../store.ts';
import { Leaf, ValueTree } from './value-tree.tsx';

export function DifferenceList({ difference }: { readonly difference: Difference }) {
  const { charts } = difference;
  if (charts.length === 0) return <p class="soft">No chart is in another state, and no context is another.</p>;
  return (
    <div class="differences">
      {charts.map((chart) => (
        <ChartChange key={chart.address} chart={chart} />
      ))}
    </div>
  );
}

/** Of a chart that was opened, and of one that changed in more, the rest is shown when it is asked for. */
const KEYS_MAX = 8;

function ChartChange({ chart }: { readonly chart: ChartDifference }) {
  const { selection, view } = useStore();
  const { address, how, before, after, context } = chart;
  const [isAll, setAll] = useState(false);
  const most = how === 'opened' ? 0 : KEYS_MAX;
  const keys = isAll ? context : context.slice(0, most);
  return (
    <div class={`difference ${how}`} data-chart={address}>
      <div class="difference-head">
        <button
          type="button"
          class="chart-name"
          title={`Show the chart of ${address}`}
          onClick={() => {
            selection.value = { chart: address };
            view.value = 'chart';
          }}
        >
          {cut(address)}
        </button>
        <span class="difference-state">
          {how === 'opened' && <span class="how">opened</span>}
          {how === 'closed' && <span class="how">closed</span>}
          {how === 'changed' && before === after ? (
            <span class="soft">stays in {before}</span>
          ) : (
            <>
              {before !== undefined && <span class="old">{before}</span>}
              {how === 'changed' && <span aria-hidden="true"> → </span>}
              {after !== undefined && <span class="new">{after}</span>}
            </>
          )}
        </span>
      </div>
      {keys.length > 0 && (
        <dl class="key-changes">
          {keys.map((one) => (
            <KeyChange key={one.key} change={one} />
          ))}
        </dl>
      )}
      {keys.length < context.length && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          {most === 0 ? 'opened with' : 'and'} {context.length - keys.length} {most === 0 ? 'keys' : 'more keys'}
        </button>
      )}
    </div>
  );
}

function KeyChange({ change }: { readonly change: KeyDifference }) {
  return (
    <div>
      <dt>{cut(change.key)}</dt>
      <dd>
        {'before' in change && (
          <span class="old">
            <Value value={change.before} />
          </span>
        )}
        {'before' in change && 'after' in change && <span aria-hidden="true"> → </span>}
        {'after' in change ? (
          <span class="new">
            <Value value={change.after} />
          </span>
        ) : (
          <span class="soft"> gone</span>
        )}
      </dd>
    </div>
  );
}

function Value({ value }: { readonly value: unknown }) {
  if (typeof value !== 'object' || value === null) return <Leaf value={value} />;
  return Object.keys(value).length === 0 ? (
    <Leaf value={value} />
  ) : (
    <ValueTree value={value} name={Array.isArray(value) ? 'list' : 'mapping'} depth={2} />
  );
}
