/** The page: what there is on top, charts and records in the middle, time at the bottom. */
import { DockPane } from './dock/dock.tsx';
import { ChartList } from './panes/chart-list.tsx';
import { ChartPane } from './panes/chart-pane.tsx';
import { DetailsPane } from './panes/details-pane.tsx';
import { GalleryPane } from './panes/gallery-pane.tsx';
import { MessagesPane } from './panes/messages-pane.tsx';
import { RecordsPane } from './panes/records-pane.tsx';
import { TellersPane } from './panes/tellers-pane.tsx';
import { WhatIf } from './panes/what-if.tsx';
import { Help } from './parts/help.tsx';
import { Numbers } from './parts/numbers.tsx';
import { Top } from './parts/top.tsx';
import { Troubles } from './parts/troubles.tsx';
import { useStore, type View } from './store.ts';

export function App() {
  const { session, run, view, trouble } = useStore();
  if (trouble.value !== undefined) return <p class="page-trouble">{trouble.value}</p>;
  if (session.value === undefined) return <p class="page-waiting">Opening …</p>;
  const hasRun = run.value !== undefined;
  return (
    <div class={`app ${hasRun ? 'with-run' : 'without-run'}`} data-view={view.value}>
      <Top />
      {hasRun && <Troubles />}
      {hasRun && <Numbers />}
      <Middle view={hasRun ? view.value : 'gallery'} />
      {hasRun && <DockPane />}
      <WhatIf />
      <Help />
    </div>
  );
}

function Middle({ view }: { readonly view: View }) {
  switch (view) {
    case 'chart':
      return (
        <main class="middle three">
          <ChartList />
          <ChartPane />
          <DetailsPane />
        </main>
      );
    case 'records':
      return (
        <main class="middle two">
          <RecordsPane />
          <DetailsPane />
        </main>
      );
    case 'messages':
      return (
        <main class="middle two">
          <MessagesPane />
          <DetailsPane />
        </main>
      );
    case 'tellers':
      return (
        <main class="middle one">
          <TellersPane />
        </main>
      );
    case 'gallery':
      return (
        <main class="middle one">
          <GalleryPane />
        </main>
      );
    default:
      return view satisfies never;
  }
}
