/** A progress bar on a terminal for commands that make many runs: how many of how many, and what a command adds to it. */
export interface RunsBar {
  /** What the format names besides bar, value, total and eta comes in `more`. */
  update(done: number, all: number, more?: object): void;
  /** Idempotent. */
  stop(): void;
}

/** What a bar of ours looks like, whatever stands in it. */
export const BAR = {
  stream: process.stderr,
  hideCursor: true,
  clearOnComplete: true,
  barsize: 28,
  noTTYOutput: false,
} as const;

/** One that shows nothing unless `shown`. */
export async function runsBarOf(shown: boolean, format: string, all: number, more: object = {}): Promise<RunsBar> {
  if (!shown) return { update() {}, stop() {} };
  const { Presets, SingleBar } = await import('cli-progress');
  const bar = new SingleBar({ ...BAR, format }, Presets.shades_classic);
  bar.start(all, 0, more);
  let running = true;
  return {
    update(done, total, added = {}) {
      bar.setTotal(total);
      bar.update(done, added);
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}
