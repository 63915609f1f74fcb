/** What is done on a way, in words and with the marks of the drawing. */
import type { Icon } from '../../chart/content.ts';
import { iconPath } from '../../chart/icons.ts';
import type { ActionName } from '../../chart/names.ts';

export function ActionList({ actions }: { readonly actions: readonly ActionName[] }) {
  return (
    <ul class="actions">
      {actions.map(({ kind, name, text, receivers }, index) => (
        <li key={index} class={`action ${kind}`} title={name === text ? undefined : name}>
          {kind !== 'action' && <Mark icon={kind} />}
          {text}
          {receivers !== undefined && receivers.length > 1 && <span class="soft"> to {receivers.join(', ')}</span>}
        </li>
      ))}
    </ul>
  );
}

const MEANINGS: Readonly<Record<Icon, string>> = {
  message: 'tells another chart',
  command: 'asks a driver',
  open: 'opens a chart',
  close: 'closes a chart',
  fact: 'announces a fact',
  timer: 'time limit',
  final: 'ends its parent',
  again: 'enters itself again',
};

export function Mark({ icon }: { readonly icon: Icon }) {
  return (
    <svg class={`mark ${icon}`} viewBox="0 0 12 12" width="12" height="12" role="img" aria-label={MEANINGS[icon]}>
      <title>{MEANINGS[icon]}</title>
      <path d={iconPath(icon)} fill-rule="evenodd" />
    </svg>
  );
}
