/** The chosen chart: what it is for, the state that is chosen in it (or the one that is active), what it waits for, what it remembers. */

import { Fragment } from 'preact';
import { leavesOf } from '../../view/active.ts';
import { chartIn } from '../panes/chart-list.tsx';
import { ValueTree } from '../parts/value-tree.tsx';
import { useStore } from '../store.ts';
import { Description } from './description.tsx';
import { StateDetails } from './state-details.tsx';
import { stateIn, useGraph } from './use-graph.ts';
import { usePictureName } from './use-picture-name.ts';
import { Waits } from './waits.tsx';

export function ChartDetails() {
  const { run, instant, selection } = useStore();
  const address = selection.value.chart ?? 'migration';
  const chart = chartIn(instant.value, address);
  const picture = usePictureName(run.value?.header.id, instant.value, address);
  const graph = useGraph(picture);
  const leaves = chart === undefined ? [] : leavesOf(chart.active).split(', ');
  const chosen = selection.value.state;
  const shown = chosen === undefined ? leaves : [chosen];
  return (
    <section class="chart-details" aria-label={`Chart ${address}`} data-chart-details={address}>
      <h2>
        {address}
        {picture !== undefined && picture !== address && <span class="soft">{picture}</span>}
      </h2>
      <Description text={graph?.root.description} />
      {graph === undefined && picture !== undefined && (
        <p class="soft">Nothing more is known of this chart here: its code is not part of the page.</p>
      )}
      {graph !== undefined &&
        shown.map((path) => {
          const state = stateIn(graph, path);
          if (state === undefined) return <Fragment key={path} />;
          return (
            <StateDetails
              key={path}
              graph={graph}
              state={state}
              chart={chart}
              address={address}
              isChosen={chosen !== undefined}
            />
          );
        })}
      {instant.value !== undefined && chart !== undefined && (
        <>
          <h3>Waits for</h3>
          <Waits instant={instant.value} address={address} graph={graph} />
          <h3>Context</h3>
          <ValueTree key={address} value={chart.context} />
        </>
      )}
    </section>
  );
}
