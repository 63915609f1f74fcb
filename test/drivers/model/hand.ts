/** Commands issued by hand: what a run's charts do, one at a time, so that a test says what it asks and when. */
import type { Answer, CommandName, Commands } from '../../../machines/words.ts';
import { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import type { Command } from '../../../src/core/effect.ts';
import { createModelDriver, type ModelDriver } from '../../../src/drivers/model/model-driver.ts';
import type { ModelDeviceSpec, ModelSpec } from '../../../src/drivers/model/spec.ts';
import { MLX5_LOGGER } from '../../../src/hardware/dma-log.ts';

export const MIB = 2 ** 20;
export const MS = 1_000_000;

/** A guest of so many pages, all of them non-zero, that does nothing. No devices. */
export function guest(pages: number, changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    seed: 1,
    truth: 'both',
    pageBytes: 4096,
    slots: [{ firstPage: 0, pages }],
    nonZeroPages: pages,
    vcpus: { workloads: [] },
    containers: [],
    devices: [],
    loop: 'qemu-10.2',
    link: { bytesPerSecond: 1e9 },
    ...changes,
  };
}

/** One container `0` with these devices, each a NIC that fills 64 pages from page 1000 on, 64 more for each. */
export function withDevices(spec: ModelSpec, devices: readonly ModelDeviceSpec[], dmaBytesPerSecond = 0): ModelSpec {
  const dma = (first: number) =>
    dmaBytesPerSecond === 0
      ? ({ kind: 'none' } as const)
      : ({ kind: 'nic', buffers: [{ firstPage: first, pages: 64 }], bytesPerSecond: dmaBytesPerSecond } as const);
  return {
    ...spec,
    devices,
    containers: [
      {
        id: '0',
        iommu: { dirtyTracking: true, leafPages: 1 },
        devices: devices.map(({ id }, i) => ({ id, dma: dma(1000 + 64 * i), logging: MLX5_LOGGER })),
      },
    ],
  };
}

export class Hand {
  readonly clock = new VirtualClock();
  readonly driver: ModelDriver;
  /** Every answer with its time, in the order in which they came. */
  readonly answers: { readonly atNs: number; readonly answer: Answer }[] = [];
  dirtySet = 0;
  #position = 0;

  constructor(spec: ModelSpec) {
    this.driver = createModelDriver(spec, this.clock);
  }

  command<N extends CommandName>(name: N, params: Commands[N]['params'], by = 'hand'): Command<N> {
    this.#position += 1;
    return { kind: 'command', id: `${this.#position}:0`, by, name, params, deadlineNs: 2 ** 52 } as Command<N>;
  }

  /** Gives a command and does not wait. */
  give<N extends CommandName>(
    name: N,
    params: Commands[N]['params'],
    by?: string,
    told?: (answer: Answer) => void,
  ): Command<N> {
    const command = this.command(name, params, by);
    this.driver.perform(command, (answer) => {
      this.answers.push({ atNs: this.clock.nowNs, answer });
      if (answer.type === 'DONE.syncBitmap') this.dirtySet = answer.dirtySet;
      told?.(answer);
    });
    return command;
  }

  /** Gives a command, lets time pass until it is answered, and returns the answer. */
  ask<N extends CommandName>(name: N, params: Commands[N]['params'], by?: string): Answer<N> {
    let own: Answer | undefined;
    this.give(name, params, by, (answer) => {
      own = answer;
    });
    while (own === undefined) if (!this.clock.step()) throw new Error(`${name} is never answered`);
    return own as Answer<N>;
  }

  /** As `ask`, for what must succeed: its result. */
  do<N extends CommandName>(
    name: N,
    params: Commands[N]['params'],
    by?: string,
  ): Extract<Answer<N>, { type: `DONE.${N}` }> {
    const answer = this.ask(name, params, by);
    if (answer.type !== `DONE.${name}`) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer as Extract<Answer<N>, { type: `DONE.${N}` }>;
  }

  sync(final = false) {
    this.do('getDirtyLog', {});
    return this.do('syncBitmap', { final, everything: false });
  }

  /** Destination prepared, log on, everything dirty: a first round may be sent. */
  begin() {
    this.do('prepareDestination', {});
    this.do('startDirtyLog', {});
    return this.sync();
  }

  /** A pass that ends by QEMU's rule from 8.1 to 11.0, with a downtime limit in ms. */
  round(round: number, downtimeLimitMs = 300) {
    return this.do('sendRound', {
      round,
      dirtySet: this.dirtySet,
      ends: {
        rule: 'low-water',
        compare: 'below',
        counts: 'ram+precopy',
        windowMs: 100,
        downtimeLimitMs,
        availSwitchoverBytesPerSecond: 0,
      },
    });
  }

  drainingRound(round: number) {
    return this.do('sendRound', { round, dirtySet: this.dirtySet, ends: { rule: 'drained' } });
  }

  setDevice(id: string, target: Commands['setDeviceState']['params']['target']) {
    return this.do('setDeviceState', { target }, `device/${id}`);
  }
}
