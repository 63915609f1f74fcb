/**
 * Where a chart's outputs go: messages to other charts, commands and facts to the effects, timers to the clock, charts opened
 * and closed. The pure core and the live system route by this one function and differ only in what their sink does.
 */
import type { Opening, OutputRoute } from '../../machines/messages.ts';
import type { CommandName } from '../../machines/words.ts';
import type { ChartOutput } from './chart.ts';
import type { Address, RecordedEvent } from './record.ts';
import { kindOf } from './system.ts';

/** A limit on everything: one record may cause at most this many deliveries. */
export const DELIVERIES_MAX = 10_000;

/** An event on its way to a chart; `from` is undefined for an input. */
export interface Letter {
  readonly to: Address;
  readonly from: Address | undefined;
  readonly event: RecordedEvent;
}

/** What becomes of outputs, in the order in which they came. */
export interface OutputSink {
  /** ns on the run's clock: told to the receiver of a message. */
  readonly atNs: number;
  enqueue(letter: Letter): void;
  command(by: Address, name: CommandName, params: unknown): void;
  openChart(kind: string, opening: Opening): void;
  closeChart(address: Address): void;
  fact(by: Address, event: RecordedEvent): void;
  setTimer(by: Address, timer: string, delayMs: number, event: RecordedEvent): void;
  clearTimer(by: Address, timer: string): void;
}

/** Throws for a message to a chart of a kind that its route does not name. */
export function putOut(sink: OutputSink, by: Address, outputs: readonly ChartOutput[]): void {
  for (const output of outputs) {
    switch (output.kind) {
      case 'setTimer':
        sink.setTimer(by, output.timer, output.delayMs, output.event);
        break;
      case 'clearTimer':
        sink.clearTimer(by, output.timer);
        break;
      case 'emitted':
        sink.fact(by, output.event);
        break;
      case 'routed':
        putOutRouted(sink, by, output.route, (output.params ?? {}) as Record<string, unknown>);
        break;
      default:
        output satisfies never;
    }
  }
}

function putOutRouted(sink: OutputSink, by: Address, route: OutputRoute, params: Record<string, unknown>): void {
  switch (route.kind) {
    case 'message':
      tell(sink, by, route.to, route.type, params);
      break;
    case 'command':
      sink.command(by, route.name, params);
      break;
    case 'open':
      for (const opening of params.charts as readonly Opening[]) sink.openChart(route.chart, opening);
      break;
    case 'close':
      for (const address of (params.addresses as readonly Address[] | undefined) ?? [route.chart])
        sink.closeChart(address);
      break;
    case 'fact':
      sink.fact(by, Object.assign({ type: route.type }, params));
      break;
    default:
      route satisfies never;
  }
}

function tell(
  sink: OutputSink,
  by: Address,
  kinds: readonly string[],
  type: string,
  params: Record<string, unknown>,
): void {
  const { to = kinds[0] as Address, ...data } = params as { to?: Address | readonly Address[] };
  for (const receiver of typeof to === 'string' ? [to] : to) {
    if (!kinds.includes(kindOf(receiver))) throw new Error(`${by} may not tell ${receiver} ${type}`);
    const event = Object.assign({ type }, data, { from: by, atNs: sink.atNs });
    sink.enqueue({ to: receiver, from: by, event });
  }
}
