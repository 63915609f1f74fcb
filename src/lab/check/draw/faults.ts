/**
 * What goes wrong: up to three faults of commands or events in the world, a cancel, a crash of the orchestrator. Each is
 * drawn from everything that there is; a command that the run never gives is a fault that does not strike, and counts for
 * nothing.
 */
import { COMMANDS, type CommandName, type DeviceState } from '../../../../machines/words.ts';
import { errnosOf } from '../../../drivers/errnos.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Crash, FaultInput } from '../case.ts';
import type { Chance } from './chance.ts';
import type { DeviceInput } from './devices.ts';
import { devicesIn } from './scenario.ts';
import type { Theme } from './themes.ts';

const ALL = Object.keys(COMMANDS) as readonly CommandName[];
/** Given by the charts of one device, or of its guest driver. */
export const OF_DEVICES: readonly CommandName[] = ['setDeviceState', 'getDeviceState', 'resetDevice'];
export const OF_GUEST_DRIVERS: readonly CommandName[] = [
  'notifyGuest',
  'haltDma',
  'confirmDmaHalted',
  'dirtyDmaPages',
  'resumeDma',
];
const OF_TRACKERS: readonly CommandName[] = ['startTracking', 'reportDirty', 'stopTracking', 'sendDeviceState'];
const OF_POSTCOPY: readonly CommandName[] = ['discardDirty', 'sendMissing', 'reconnect', 'compareReceived'];
const OF_HOT_PLUG: readonly CommandName[] = ['plugDevice', 'ejectDevice', 'removeDevice'];
/** Only the way back gives them, so that they strike beside another fault or a cancel. */
const ON_THE_WAY_BACK: readonly CommandName[] = ['resumeVcpus', 'haltRound', 'quitDestination'];

export function drawFaults(chance: Chance, input: ScenarioInput): readonly FaultInput[] {
  const count = chance.pick([0, 1, 1, 1, 2, 2, 3]);
  return Array.from({ length: count }, () =>
    chance.percent(18) ? drawEvent(chance, input) : drawFault(chance, input),
  );
}

function drawFault(chance: Chance, input: ScenarioInput): FaultInput {
  return drawFaultOf(chance, input, drawCommand(chance, input));
}

/** A device that is there is never said to be gone: nobody could know better than a driver that lies. */
export function drawErrno(chance: Chance, command: CommandName) {
  return chance.pick(errnosOf(command).filter((errno) => command !== 'removeDevice' || errno !== 'ENODEV'));
}

/** Any kind of fault that this command can have. */
export function drawFaultOf(chance: Chance, input: ScenarioInput, command: CommandName): FaultInput {
  const at = { command, ...nth(chance), ...drawOf(chance, input, command) };
  const errno = drawErrno(chance, command);
  const kinds = ['fails', 'fails', 'fails', 'done', 'rests', 'hangs', 'silent', 'slow', 'twice'] as const;
  // What is peculiar to a SET is where it leaves the device.
  const more = command === 'setDeviceState' ? (['rests', 'rests', 'rests'] as const) : [];
  switch (chance.pick([...kinds, ...more])) {
    case 'fails':
      return { ...at, fails: errno };
    case 'done':
      return { ...at, fails: errno, done: true };
    case 'rests':
      return command === 'setDeviceState'
        ? { ...at, fails: errno, restsIn: chance.pick(restsOf(devicesIn(input), at.of)) }
        : { ...at, fails: errno };
    case 'hangs':
      return { ...at, hangs: true };
    case 'silent':
      return { ...at, silent: true };
    case 'slow':
      return { ...at, slowBy: chance.pick(['3ms', '300ms', '6s', '45s', '90s']) };
    case 'twice':
      return { ...at, twice: true };
  }
}

/** At a time within the few hundred ms that most runs last, or right after a command. */
function drawEvent(chance: Chance, input: ScenarioInput): FaultInput {
  const when = chance.percent(30)
    ? { at: `${chance.pick([1, 20, 100, 200, 400, 1000])}ms` as const }
    : { after: drawCommand(chance, input), ...nth(chance) };
  const device = devicesIn(input).map(({ id }) => id);
  const kinds = ['link-down', 'link-slow', 'destination-dies', 'source-dies'] as const;
  const preCopy = devicesIn(input).flatMap(({ id, features }) => (features.includes('pre-copy') ? [id] : []));
  const happens = chance.pick([
    ...kinds,
    ...(device.length > 0 ? (['guest-reset', 'guest-reset'] as const) : []),
    ...(preCopy.length > 0 ? (['initial-bytes-again', 'initial-bytes-again'] as const) : []),
  ]);
  const passes = chance.perhaps(70, () => ({ for: chance.pick(['5ms', '200ms', '3s', '40s'] as const) }));
  switch (happens) {
    case 'link-down':
      return { ...when, happens, ...passes };
    case 'link-slow':
      return { ...when, happens, percent: chance.pick(['1%', '20%', '60%']), ...passes };
    case 'guest-reset':
      return { ...when, happens, device: chance.pick(device) };
    case 'initial-bytes-again':
      return { ...when, happens, device: chance.pick(preCopy), bytes: chance.pick(['4KiB', '256KiB']) };
    case 'destination-dies':
      return { ...when, happens, ...chance.perhaps(40, () => ({ silent: true as const })) };
    case 'source-dies':
      return { ...when, happens };
    default:
      return happens satisfies never;
  }
}

export function comesOrGoes(device: DeviceInput): boolean {
  return (
    ('pluggedAt' in device && device.pluggedAt !== undefined) ||
    ('unpluggedAt' in device && device.unpluggedAt !== undefined)
  );
}

/** Where a SET may rest: a state that one of these devices passes, or ERROR. */
function restsOf(devices: readonly DeviceInput[], of: string | undefined): readonly DeviceState[] {
  if (of?.startsWith('destination/')) return ['RUNNING', 'STOP', 'RESUMING', 'ERROR'];
  const meant = devices.filter(({ id }) => of === undefined || of === id);
  const has = (feature: 'p2p' | 'pre-copy') => meant.some(({ features }) => features.includes(feature));
  return [
    'RUNNING',
    'STOP',
    'STOP_COPY',
    'ERROR',
    'ERROR',
    ...(has('p2p') ? (['RUNNING_P2P'] as const) : []),
    ...(has('pre-copy') ? (['PRE_COPY'] as const) : []),
    ...(has('pre-copy') && has('p2p') ? (['PRE_COPY_P2P'] as const) : []),
  ];
}

/** Mostly the first of its name; one in ten much later. */
function nth(chance: Chance) {
  const counted = chance.pick([1, 1, 1, 1, 2, 2, 3, 4, chance.between(2, 12)]);
  return counted === 1 ? {} : { nth: counted };
}

const OF_MANAGERS: readonly CommandName[] = ['queryMigrate', 'setDowntimeLimit'];
const THROTTLING_RULES = ['cloud-hypervisor-auto-converge', 'vmware-sdps'];

/** A vCPU is held by a rule of the vmm, or of the policy. */
function throttles({ autoConverge, steppedThrottle, policy }: NonNullable<ScenarioInput['vmm']>): boolean {
  const rule = typeof policy === 'object' && 'name' in policy ? policy.name : policy;
  return autoConverge !== undefined || steppedThrottle !== undefined || THROTTLING_RULES.includes(rule as string);
}

/** Commands that a run of this scenario may give, on its way there or back. */
export function possibleCommands(input: ScenarioInput): readonly CommandName[] {
  const devices = devicesIn(input);
  const helped = devices.some(({ kind }) => kind === 'guest-cooperative');
  return ALL.filter((name) => {
    // A function of the user's own answers by itself.
    if (name === 'decide') return false;
    if (OF_MANAGERS.includes(name)) return input.manager !== undefined;
    if (name === 'throttleVcpus') return throttles(input.vmm ?? {});
    if (name === 'limitVcpuDirtyRate') return input.vmm?.dirtyLimit !== undefined;
    if (OF_POSTCOPY.includes(name)) return input.vmm?.postcopy !== undefined;
    if (OF_HOT_PLUG.includes(name)) return devices.some(comesOrGoes);
    if (OF_GUEST_DRIVERS.includes(name)) return helped;
    return devices.length > 0 || !(OF_DEVICES.includes(name) || OF_TRACKERS.includes(name));
  });
}

function drawCommand(chance: Chance, input: ScenarioInput): CommandName {
  const devices = devicesIn(input);
  const possible = possibleCommands(input);
  // The device that is driven from state to state is where most can go wrong.
  const more: readonly CommandName[] = [
    ...(devices.length > 0 ? (['setDeviceState', 'setDeviceState', 'setDeviceState'] as const) : []),
    ...(devices.some(comesOrGoes) ? [...OF_HOT_PLUG, ...OF_HOT_PLUG] : []),
  ];
  // What may go wrong in many ways goes wrong more often.
  const manifold = possible.flatMap((name) => errnosOf(name).map(() => name));
  if (chance.percent(40)) return chance.pick(manifold);
  return chance.pick([...possible, ...possible.filter((name) => !ON_THE_WAY_BACK.includes(name)), ...more]);
}

function drawOf(chance: Chance, input: ScenarioInput, command: CommandName): { of?: string } {
  const devices = devicesIn(input);
  const ids = devices.map(({ id }) => id);
  if (OF_DEVICES.includes(command) && chance.percent(60)) {
    return { of: chance.pick([...ids, ...ids.map((id) => `destination/${id}`)]) };
  }
  const helped = devices.filter(({ kind }) => kind === 'guest-cooperative').map(({ id }) => id);
  return OF_GUEST_DRIVERS.includes(command) && helped.length > 0 && chance.percent(30)
    ? { of: chance.pick(helped) }
    : {};
}

/** Runs have 20 to 100 records; a position that a run does not reach disturbs nothing. */
export function drawPosition(chance: Chance): number {
  return chance.between(0, chance.pick([10, 40, 40, 80, 80, 160]));
}

/** After a record, or at a time. */
export function drawCancel(chance: Chance): NonNullable<ScenarioInput['cancelAt']> {
  return chance.percent(80) ? { record: 1 + drawPosition(chance) } : `${chance.between(0, 400)}ms`;
}

/** Mostly one that loses something when it is asked again: what it had read dies with whoever asked. */
function drawDying(chance: Chance, input: ScenarioInput): CommandName {
  const consuming = possibleCommands(input).filter((name) => COMMANDS[name].class === 'consuming');
  const collects = consuming.filter((name) => name === 'getDirtyLog' || name === 'reportDirty');
  return chance.percent(75)
    ? chance.pick([...consuming, ...Array.from({ length: 6 }, () => collects).flat()])
    : drawCommand(chance, input);
}

/** `crash`: the theme is what the orchestrator was about when it died. */
export function drawCrash(chance: Chance, input: ScenarioInput, theme?: Theme): Crash {
  // The sync after the first pass is the one that has most to lose.
  if (theme === 'crash' && chance.percent(45)) {
    return { after: { command: 'getDirtyLog', nth: 2 }, effects: 'sent', deadMs: 0 };
  }
  return {
    after:
      theme === 'crash' || chance.percent(50)
        ? { command: drawDying(chance, input), nth: chance.pick([1, 2, 2, 2, 2, 2, 3]) }
        : drawPosition(chance),
    effects: chance.percent(theme === 'crash' ? 90 : 50) ? 'sent' : 'unsent',
    deadMs: chance.pick(theme === 'crash' ? [0, 0, 0, 0, 0, 1, 50, 2000] : [0, 1, 50, 2000, 20_000]),
  };
}
