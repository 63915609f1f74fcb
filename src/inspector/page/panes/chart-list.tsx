/**
 * Every chart of the run, each with the state that it is in: those that are closed at this record, or not open yet, keep their
 * places, so that nothing moves while a run plays. Lit is whom the present record tells something.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChartAt, Instant } from '../../view/instant.ts';
import type { RosterEntry } from '../../view/roster.ts';
import { useStore } from '../store.ts';
import { grouped, united } from './chart-groups.ts';
import { overviewOpen } from './chart-signals.ts';
import { useRoster } from './use-roster.ts';

export function ChartList() {
  const { run, runBeside, instant, instantBeside, selection } = useStore();
  const [here, there] = [useRoster(run.value), useRoster(runBeside.value)];
  const list = useRef<HTMLElement>(null);
  const groups = grouped(united(here, there));
  const addresses = groups.flatMap(({ entries }) => entries.map(({ address }) => address));
  const chosen = selection.value.chart ?? 'migration';
  const [focused, setFocused] = useState<string | undefined>(undefined);
  const stop = focused !== undefined && addresses.includes(focused) ? focused : chosen;
  useEffect(() => {
    // Chosen elsewhere, it may stand below the edge.
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = addresses[addresses.indexOf(stop) + by];
    if (by === 0 || next === undefined) return;
    event.preventDefault();
    setFocused(next);
    list.current?.querySelector<HTMLElement>(`[data-chart="${CSS.escape(next)}"]`)?.focus();
  };
  const choose = (address: string) => {
    overviewOpen.value = false;
    setFocused(address);
    selection.value = { chart: address };
  };
  return (
    <nav ref={list} class="chart-list" aria-label="Charts" onKeyDown={onKeyDown}>
      {groups.map(({ name, entries }) => (
        <section key={name} aria-label={name}>
          <h2>{name}</h2>
          {entries.map((entry) => (
            <Row
              key={entry.address}
              entry={entry}
              now={instant.value}
              beside={runBeside.value === undefined ? undefined : instantBeside.value}
              isChosen={entry.address === chosen && !overviewOpen.value}
              isStop={entry.address === stop}
              choose={choose}
            />
          ))}
        </section>
      ))}
    </nav>
  );
}

interface RowProps {
  readonly entry: RosterEntry;
  readonly now: Instant | undefined;
  readonly beside: Instant | undefined;
  readonly isChosen: boolean;
  /** Where the tabulator key stops. */
  readonly isStop: boolean;
  choose(address: string): void;
}

function Row({ entry: { address, spans }, now, beside, isChosen, isStop, choose }: RowProps) {
  const [here, there] = [chartIn(now, address), chartIn(beside, address)];
  const state = here?.value ?? absence(spans, now?.position ?? 0);
  const told = here?.isToldHere === true || now?.told.some(({ to }) => to === address) === true;
  const classes = ['chart-row', here === undefined ? 'is-away' : '', told ? 'is-told' : ''].filter(Boolean).join(' ');
  return (
    <button
      type="button"
      class={classes}
      data-chart={address}
      data-space="plays"
      aria-current={isChosen}
      tabIndex={isStop ? 0 : -1}
      title={`${address}\n${here === undefined ? state : `${here.picture}: ${state}`}${told ? '\nthis record tells it something' : ''}`}
      onClick={() => choose(address)}
    >
      <span class="dot" />
      <span class="address">{address}</span>
      <span class="state">{state}</span>
      {beside !== undefined && <span class="state beside">{there?.value ?? 'not open'}</span>}
    </button>
  );
}

export function chartIn(instant: Instant | undefined, address: string): ChartAt | undefined {
  return instant?.charts.find((one) => one.address === address);
}

function absence(spans: RosterEntry['spans'], position: number): string {
  return spans.some(({ from }) => from <= position) ? 'closed' : 'not open yet';
}
