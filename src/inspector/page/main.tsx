/** Where the page begins: find out what there is, start the worker, show it. */
import { render } from 'preact';
import { App } from './app.tsx';
import { bindKeys } from './keys.ts';
import { keepPlace } from './place.ts';
import { sourceOfPage } from './source.ts';
import { createStore, StoreContext } from './store.ts';
import './style/page.css';
import './style/charts.css';
import './style/details.css';
import './style/gallery.css';
import './style/messages.css';
import './style/record.css';
import './style/records.css';
import './style/tellers.css';
import './style/what-if.css';
import './style/dock.css';
import { addChartStyle } from './picture/chart-style.ts';
import './theme.ts';
import FoldWorker from './worker.ts?worker&inline';

const store = createStore(sourceOfPage(), new FoldWorker());
bindKeys(store);
keepPlace(store);
addChartStyle();
const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
render(
  <StoreContext.Provider value={store}>
    <App />
  </StoreContext.Provider>,
  root,
);
void store.load();
