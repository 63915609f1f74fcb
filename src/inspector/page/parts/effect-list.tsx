/** What a record caused: commands with their deadlines, timers, orders to take back, facts; each with what became of it. */
import type { Effect } from '../../../core/effect.ts';
import type { EffectWithFate, Fate } from '../../view/links.ts';
import { cut, duration } from '../format.ts';
import { LinkButton } from './record-row.tsx';
import { ValueTree } from './value-tree.tsx';

interface EffectListProps {
  readonly effects: readonly EffectWithFate[];
  /** Of the record: deadlines are told from there on. */
  readonly atNs: number;
}

export function EffectList({ effects, atNs }: EffectListProps) {
  if (effects.length === 0) return <p class="soft">none</p>;
  return (
    <ul class="effects">
      {effects.map(({ effect, fate }) => (
        <li key={effect.id} class={`effect ${effect.kind}`} data-effect={effect.id}>
          <div class="effect-head">
            <span class="effect-kind">{KIND_NAMES[effect.kind]}</span>
            <span class="effect-title">{effectTitle(effect)}</span>
            <FateOf effect={effect} fate={fate} atNs={atNs} />
          </div>
          <EffectData effect={effect} />
        </li>
      ))}
    </ul>
  );
}

const KIND_NAMES: Readonly<Record<Effect['kind'], string>> = {
  command: 'command',
  setTimer: 'timer',
  clearTimer: 'clears',
  abandon: 'abandons',
  fact: 'fact',
};

export function effectTitle(effect: Effect): string {
  switch (effect.kind) {
    case 'command':
      return cut(`${effect.name} of ${effect.by}`);
    case 'setTimer':
      return cut(`${effect.timer} of ${effect.by}`);
    case 'clearTimer':
    case 'abandon':
      return effect.of;
    case 'fact':
      return cut(`${effect.event.type} of ${effect.by}`);
    default:
      return effect satisfies never;
  }
}

function FateOf({
  effect,
  fate,
  atNs,
}: {
  readonly effect: Effect;
  readonly fate: Fate | undefined;
  readonly atNs: number;
}) {
  if (effect.kind !== 'command' && effect.kind !== 'setTimer') return null;
  const untilNs = (effect.kind === 'command' ? effect.deadlineNs : effect.dueNs) - atNs;
  const limit = effect.kind === 'command' ? `deadline in ${duration(untilNs)}` : `due in ${duration(untilNs)}`;
  return (
    <span class="fate">
      <span class="soft">{limit}</span>{' '}
      {fate === undefined ? (
        <span class="pending">no answer yet</span>
      ) : (
        <>
          <span class={fate.how}>{fate.how}</span> <LinkButton position={fate.position} kind="consequence" />
        </>
      )}
    </span>
  );
}

function EffectData({ effect }: { readonly effect: Effect }) {
  switch (effect.kind) {
    case 'command':
      return hasData(effect.params) ? <ValueTree value={effect.params} depth={1} /> : null;
    case 'fact': {
      const { type: _, ...data } = effect.event;
      return hasData(data) ? <ValueTree value={data} depth={1} /> : null;
    }
    case 'setTimer':
    case 'clearTimer':
    case 'abandon':
      return null;
    default:
      return effect satisfies never;
  }
}

const hasData = (data: unknown) => typeof data === 'object' && data !== null && Object.keys(data).length > 0;
