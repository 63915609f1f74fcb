/** All open charts at once, each in small: what is active in it, and what it was told last. */
import type { ChartAt } from '../../view/instant.ts';
import { Silhouette } from '../picture/silhouette.tsx';
import { useBoxes } from '../picture/use-picture.ts';
import { useStore } from '../store.ts';
import { grouped, united } from './chart-groups.ts';
import { chartIn } from './chart-list.tsx';
import { overviewOpen } from './chart-signals.ts';
import { useRoster } from './use-roster.ts';

const SILHOUETTE = { width: 58, height: 62 } as const;

export function ChartOverview() {
  const { run, runBeside, instant, instantBeside } = useStore();
  const roster = united(useRoster(run.value), useRoster(runBeside.value));
  const now = instant.value;
  const beside = runBeside.value === undefined ? undefined : instantBeside.value;
  const groups = grouped(roster.filter(({ address }) => chartIn(now, address) ?? chartIn(beside, address)));
  return (
    <div class="chart-overview">
      {groups
        .flatMap(({ entries }) => entries)
        .map(({ address }) => (
          <Card
            key={address}
            address={address}
            here={chartIn(now, address)}
            there={chartIn(beside, address)}
            hasBeside={beside !== undefined}
            position={now?.position ?? 0}
          />
        ))}
    </div>
  );
}

interface CardProps {
  readonly address: string;
  readonly here: ChartAt | undefined;
  readonly there: ChartAt | undefined;
  readonly hasBeside: boolean;
  readonly position: number;
}

function Card({ address, here, there, hasBeside, position }: CardProps) {
  const { selection } = useStore();
  const chart = here ?? there;
  const last = here?.last;
  return (
    <button
      type="button"
      class={`chart-card${here?.isToldHere === true ? ' is-told' : ''}`}
      data-chart={address}
      onClick={() => {
        overviewOpen.value = false;
        selection.value = { chart: address };
      }}
    >
      <span class="shape">{chart !== undefined && <Shape picture={chart.picture} active={chart.active} />}</span>
      <span class="words">
        <span class="name">
          <span class="dot" />
          <span class="address" title={address}>
            {address}
          </span>
        </span>
        <span class="state" title={here?.value}>
          {here?.value ?? 'not open'}
        </span>
        {hasBeside && (
          <span class="state beside" title={there?.value}>
            {there?.value ?? 'not open'}
          </span>
        )}
        <span class="said">
          <span class="event" title={last?.event}>
            {last?.event ?? (here === undefined ? '' : 'opened')}
          </span>
          {last !== undefined && (
            <span class="when">{last.position === position ? 'now' : `record ${last.position}`}</span>
          )}
        </span>
      </span>
    </button>
  );
}

function Shape({ picture, active }: { readonly picture: string; readonly active: readonly string[] }) {
  const boxes = useBoxes(picture);
  return boxes === undefined ? null : <Silhouette boxes={boxes} active={active} within={SILHOUETTE} />;
}
