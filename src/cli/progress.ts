/** A progress bar on a terminal: what has been sent of what is known to be needed, the round, the status. */
import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../drivers/driver.ts';
import type { Migration } from '../lab/migrate.ts';
import { formatBytes, formatMs } from '../lab/report/format.ts';
import { BAR } from './runs-bar.ts';

export interface ProgressView {
  follow(migration: Migration): void;
  /** Paints what is known now; called a few times a second. */
  refresh(): void;
  stop(): void;
}

export function progressOf(shown: boolean): ProgressView {
  if (!shown) return { follow() {}, refresh() {}, stop() {} };
  const bar = new SingleBar(
    {
      ...BAR,
      format: '{bar} {percentage}%  {time}  {status}{round}  {remaining} left  {rate}',
    },
    Presets.shades_classic,
  );
  let migration: Migration | undefined;
  let latest: Progress | undefined;
  let bytesPerSecond = 0;
  let status = 'none';
  let running = false;
  const refresh = () => {
    if (!running || migration === undefined) return;
    const sent = latest?.sentBytes ?? 0;
    const left = latest?.remainingBytes ?? 0;
    bar.setTotal(Math.max(1, sent + left));
    bar.update(sent, {
      time: formatMs(migration.nowNs / 1e6),
      status,
      round: latest === undefined ? '' : `, round ${latest.round}`,
      remaining: formatBytes(left),
      rate: bytesPerSecond === 0 ? '' : `${formatBytes(bytesPerSecond)}/s`,
    });
  };
  return {
    follow(followed) {
      migration = followed;
      running = true;
      bar.start(1, 0, { time: '0 ms', status, round: '', remaining: '', rate: '' });
      followed.progress$.subscribe((progress) => {
        if (latest !== undefined && progress.nowNs > latest.nowNs) {
          bytesPerSecond = (1e9 * (progress.sentBytes - latest.sentBytes)) / (progress.nowNs - latest.nowNs);
        }
        latest = progress;
      });
      followed.records$.subscribe({
        next: ({ effects }) => {
          for (const effect of effects) {
            if (effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED') status = String(effect.event.status);
          }
        },
        error: () => {},
      });
    },
    refresh,
    stop() {
      if (!running) return;
      refresh();
      running = false;
      bar.stop();
    },
  };
}
