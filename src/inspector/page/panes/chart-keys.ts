/** What the keyboard does to charts; the rest is done inside a picture that has the focus. */
import { batch } from '@preact/signals';
import type { KeyBinding } from '../keys.ts';
import { followsTold, keepsInView, overviewOpen, wishPicture } from './chart-signals.ts';

export const CHART_KEYS: readonly KeyBinding[] = [
  {
    keys: ['o'],
    label: 'o',
    does: 'all open charts in small',
    act: ({ view }) =>
      batch(() => {
        overviewOpen.value = view.value === 'chart' ? !overviewOpen.value : true;
        view.value = 'chart';
      }),
  },
  {
    keys: ['g'],
    label: 'g',
    does: 'go to the chart that each record tells',
    act: () => void (followsTold.value = !followsTold.value),
  },
  { keys: ['F'], label: 'Shift F', does: 'fit the whole chart', act: () => wishPicture('fit') },
  { keys: ['v'], label: 'v', does: 'show the active state', act: () => wishPicture('active') },
  {
    keys: ['b'],
    label: 'b',
    does: 'keep the active state in view',
    act: () => void (keepsInView.value = !keepsInView.value),
  },
  // Bound where the focus is, and listed here.
  { keys: [], label: '↑ ↓ Enter', does: 'in a list or a picture: the one before or after; choose it', act: () => {} },
  { keys: [], label: '+ - 0 Shift-arrows', does: 'in a picture: zoom, fit and move', act: () => {} },
];
