/**
 * Another migration that leaves over the same link at the same time: a small guest that nothing goes wrong with, so that
 * whatever becomes of the one under test, this one arrives. The link says what it carried, and when.
 */
import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { createModelDriver } from '../../drivers/model/model-driver.ts';
import { type LinkShare, SharedLink } from '../../hardware/shared-link.ts';
import { modelSpecOf } from '../model/spec.ts';
import { prepareRun } from '../prepare.ts';
import type { Report } from '../report/report.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';

/** Passes end after a while whatever the link: this project's own. */
const SMALL = scenarioFrom({
  name: 'neighbour',
  vm: { memory: '1MiB', workloads: [{ kind: 'random', set: '256KiB', rate: '500/s' }] },
  sender: { sync: '110ms' },
  giveUpAfter: '20s',
});

/** What sums of floating-point rates may be too much by. */
const ROUNDING = 1 + 1e-6;

export interface NeighbourEnded {
  /** Undefined: it did not come to an end. */
  readonly report: Report | undefined;
  readonly lostPages: number;
  /** More than the link can carry, in words. */
  readonly tooMuch: string | undefined;
}

export class Neighbour {
  readonly share: LinkShare;
  readonly #clock: VirtualClock;
  readonly #run: ReturnType<typeof prepareRun>;
  readonly #model: ReturnType<typeof createModelDriver>;
  #tooMuch: string | undefined;

  constructor(clock: VirtualClock, { bandwidthBytesPerSecond }: Scenario['link']) {
    const link = new SharedLink(bandwidthBytesPerSecond, clock, (fromNs, toNs, bytes) => {
      const mostBytes = (bandwidthBytesPerSecond * (toNs - fromNs)) / 1e9;
      if (bytes > mostBytes * ROUNDING) {
        this.#tooMuch ??= `${bytes} bytes from ${fromNs} to ${toNs} ns, of at most ${mostBytes}`;
      }
    });
    this.#clock = clock;
    this.share = link.share();
    const scenario = { ...SMALL, link: { ...SMALL.link, bandwidthBytesPerSecond } };
    this.#model = createModelDriver(modelSpecOf(scenario), clock, { share: link.share() });
    this.#run = prepareRun(scenario, { clock, driver: () => this.#model, strict: true });
  }

  start(): void {
    this.#run.start();
  }

  /** The other one has ended; this one goes on to its own end. */
  finish(): NeighbourEnded {
    const latestNs = this.#clock.nowNs + 2 * SMALL.giveUpAfterNs;
    while (!this.#run.runner.ended && this.#clock.nowNs < latestNs && this.#clock.step());
    const report = this.#run.runner.ended ? this.#run.report() : undefined;
    const lostPages = this.#model.inspect().lost?.count ?? 0;
    this.#run.runner.stop();
    this.#model.close();
    return { report, lostPages, tooMuch: this.#tooMuch };
  }
}
