/** What is known of what is looked at: the chart and its state, or the record, where records or messages are shown. */
import { ChartDetails } from '../details/chart-details.tsx';
import { RecordDetails } from '../parts/record-details.tsx';
import { useStore } from '../store.ts';

export function DetailsPane() {
  const { view } = useStore();
  return (
    <aside class="details" aria-label="Details">
      {view.value === 'chart' ? <ChartDetails /> : <RecordDetails />}
    </aside>
  );
}
