/**
 * `faults`: what goes wrong in a run, and when. A fault is about a command (it fails, hangs, is done and never answered, ...)
 * or happens in the world (a reset by the guest, an outage, the death of a host), at a time or right after a command.
 *
 * In a file every fault is one flat mapping; here it is read, its parts held against each other, and against what the
 * scenario has: a fault that could never strike is refused, and the message says what could.
 */
import type { z } from 'zod';
import { path } from '../../../machines/vfio-arcs.ts';
import { type CommandName, DEVICE_STATES, type DeviceState, type Errno } from '../../../machines/words.ts';
import { DEVICE_COMMANDS } from '../../drivers/device-named.ts';
import { errnosOf } from '../../drivers/errnos.ts';
import type { WorldEvent } from '../../drivers/mishaps.ts';
import type { faultSchema } from './faults-schema.ts';
import { oneOf } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import { devicesOf, type Scenario } from './scenario.ts';
import { printDuration, printSize } from './values.ts';

export type ScenarioFault = CommandFault | HappeningFault;

/** The `nth` command of that name, and of that device where `of` is given; counted from 1. */
export type CommandFault = {
  readonly command: CommandName;
  readonly nth: number;
  /** `nic0` on the source, `destination/nic0`. */
  readonly of?: string;
} & (
  | { readonly fails: Errno; readonly done?: true }
  | { readonly fails: Errno; readonly restsIn: DeviceState }
  | { readonly hangs: true }
  | { readonly silent: true }
  | { readonly slowByNs: number }
  | { readonly twice: true }
);

export type HappeningFault = {
  readonly when: { readonly atNs: number } | { readonly after: CommandName; readonly nth: number };
} & { readonly event: WorldEvent };

type ReadFault = z.output<typeof faultSchema>;
type FaultInput = z.input<typeof faultSchema>;

/** The schema has refused what is neither the one nor the other. */
export function normaliseFault(read: ReadFault): ScenarioFault {
  return read.command === undefined ? normaliseHappening(read) : normaliseCommand(read, read.command);
}

function normaliseCommand(read: ReadFault, command: CommandName): CommandFault {
  const which = { command, nth: read.nth ?? 1, ...(read.of === undefined ? {} : { of: read.of }) };
  if (read.fails !== undefined && read.restsIn !== undefined)
    return { ...which, fails: read.fails, restsIn: read.restsIn };
  if (read.fails !== undefined) return { ...which, fails: read.fails, ...(read.done ? { done: true as const } : {}) };
  if (read.slowBy !== undefined) return { ...which, slowByNs: read.slowBy };
  if (read.hangs) return { ...which, hangs: true };
  return read.silent ? { ...which, silent: true } : { ...which, twice: true };
}

function normaliseHappening(read: ReadFault): HappeningFault {
  const when = read.after === undefined ? { atNs: read.at ?? 0 } : { after: read.after, nth: read.nth ?? 1 };
  return { when, event: eventOf(read) };
}

function eventOf(read: ReadFault): WorldEvent {
  const forNs = read.for ?? null;
  const device = read.device ?? '';
  const { happens = 'source-dies' } = read;
  switch (happens) {
    case 'guest-reset':
      return { happens, device };
    case 'initial-bytes-again':
      return { happens, device, bytes: read.bytes ?? 0 };
    case 'link-down':
      return { happens, forNs };
    case 'link-slow':
      return { happens, percent: read.percent ?? 100, forNs };
    case 'destination-dies':
      return { happens, ...(read.silent ? { silent: true as const } : {}) };
    case 'source-dies':
      return { happens };
    default:
      return happens satisfies never;
  }
}

export function printFault(fault: ScenarioFault): FaultInput {
  if ('command' in fault) {
    if (!('slowByNs' in fault)) return fault;
    const { slowByNs, ...which } = fault;
    return { ...which, slowBy: printDuration(slowByNs) };
  }
  const { when, event } = fault;
  const at = 'atNs' in when ? { at: printDuration(when.atNs) } : when;
  if (event.happens === 'initial-bytes-again') return { ...at, ...event, bytes: printSize(event.bytes) };
  if (!('forNs' in event)) return { ...at, ...event };
  const forText = event.forNs === null ? {} : { for: printDuration(event.forNs) };
  if (event.happens === 'link-down') return { ...at, happens: event.happens, ...forText };
  return { ...at, happens: event.happens, percent: `${event.percent}%` satisfies `${number}%`, ...forText };
}

export function checkFaults(scenario: Scenario): readonly Finding[] {
  return (scenario.faults ?? []).flatMap((fault, i) =>
    'command' in fault
      ? checkCommandFault(fault, scenario, ['faults', i])
      : checkHappening(fault, scenario, ['faults', i]),
  );
}

function checkCommandFault(fault: CommandFault, scenario: Scenario, at: Path): readonly Finding[] {
  const { command, of } = fault;
  const found: Finding[] = [];
  const takes = DEVICE_COMMANDS[command];
  if (of !== undefined) {
    const known = takes === undefined ? [] : placesOf(scenario, takes);
    if (takes === undefined) found.push(finding([...at, 'of'], `${command} is about no device`));
    else if (!known.includes(of))
      found.push(finding([...at, 'of'], `${command} is never about ${of}; ${among(known)}`));
  }
  if ('fails' in fault && !errnosOf(command).includes(fault.fails)) {
    found.push(
      finding(
        [...at, 'fails'],
        `${command} never fails with ${fault.fails}; it may with ${errnosOf(command).join(', ')}`,
      ),
    );
  }
  if ('restsIn' in fault) found.push(...checkRest(fault.restsIn, of, scenario, at));
  return found;
}

/** The states that the SETs of a migration pass: of a source there and back, of a destination from RESUMING on. */
const RESTS: Readonly<Record<'source' | 'destination', readonly DeviceState[]>> = {
  source: ['RUNNING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P', 'STOP', 'STOP_COPY', 'ERROR'],
  destination: ['RUNNING', 'RUNNING_P2P', 'STOP', 'RESUMING', 'ERROR'],
};

function checkRest(restsIn: DeviceState, of: string | undefined, scenario: Scenario, at: Path): readonly Finding[] {
  const devices = devicesOf(scenario).filter(({ id }) => of === undefined || of === id || of === `destination/${id}`);
  if (devices.length === 0) return [];
  const sides = of === undefined ? (['source', 'destination'] as const) : [sideOf(of)];
  const passed = DEVICE_STATES.filter((state) =>
    devices.some(
      ({ featureMask }) =>
        sides.some((side) => RESTS[side].includes(state)) &&
        (state === 'ERROR' || path(featureMask, 'RUNNING', state) !== 'EINVAL'),
    ),
  );
  if (passed.includes(restsIn)) return [];
  const whose = of === undefined ? 'no device of this scenario' : `${of} never`;
  return [finding([...at, 'restsIn'], `${whose} passes ${restsIn}; it may rest in ${oneOf(passed)}`)];
}

function sideOf(of: string): 'source' | 'destination' {
  return of.startsWith('destination/') ? 'destination' : 'source';
}

function checkHappening({ event }: HappeningFault, scenario: Scenario, at: Path): readonly Finding[] {
  switch (event.happens) {
    case 'guest-reset':
    case 'initial-bytes-again':
      return checkDevice(event, scenario, at);
    case 'link-down':
    case 'link-slow':
      return checkLink(event, at);
    case 'destination-dies':
    case 'source-dies':
      return [];
    default:
      return event satisfies never;
  }
}

function checkLink(event: Extract<WorldEvent, { forNs: number | null }>, at: Path): readonly Finding[] {
  return [
    ...(event.forNs === 0 ? [finding([...at, 'for'], 'must be longer than 0')] : []),
    ...(event.happens === 'link-slow' && event.percent === 0
      ? [finding([...at, 'percent'], 'must be more than 0%; for a link that carries nothing there is link-down')]
      : []),
  ];
}

function checkDevice(event: Extract<WorldEvent, { device: string }>, scenario: Scenario, at: Path): readonly Finding[] {
  const device = devicesOf(scenario).find(({ id }) => id === event.device);
  if (device === undefined) {
    return [finding([...at, 'device'], `no device is ${event.device}; ${among(placesOf(scenario, 'source'))}`)];
  }
  if (event.happens !== 'initial-bytes-again') return [];
  if (event.bytes === 0) return [finding([...at, 'bytes'], 'must be larger than 0')];
  if (path(device.featureMask, 'RUNNING', 'PRE_COPY') !== 'EINVAL') return [];
  return [finding([...at, 'device'], `${event.device} has no pre-copy, and so no initial data`)];
}

function placesOf(scenario: Scenario, takes: 'source' | 'either'): readonly string[] {
  const ids = devicesOf(scenario).map(({ id }) => id);
  return takes === 'source' ? ids : [...ids, ...ids.map((id) => `destination/${id}`)];
}

function among(known: readonly string[]): string {
  return known.length === 0 ? 'this scenario has no device' : `there is ${known.join(', ')}`;
}
