/**
 * The driver port's promises as a suite that any driver's author can run, under vitest, node:test, or whatever has a
 * `describe` and an `it`. A broken promise throws an Error that names the command.
 *
 * It carries one whole migration through the driver, command by command and in the legal order, and back; a driver that
 * declares fewer commands is asked for those. It does not judge the migration (a report does), only the port.
 */
import {
  type Answer,
  COMMANDS,
  type CommandName,
  type Commands,
  DEVICE_STATES,
  type DeviceState,
} from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import type { Address, EffectId } from '../core/record.ts';
import type { Driver } from './driver.ts';

/** One fresh driver, and what the suite must know of what is behind it. */
export interface ConformanceSubject {
  readonly driver: Driver;
  /** Lets so many ns pass on the driver's clock; a real driver's author waits. */
  advance(ns: number): void | Promise<void>;
  /** Devices that both ends have; none, and commands about devices are not tried. */
  readonly devices?: readonly string[];
  /** A container with these devices. Default `0`. */
  readonly container?: string;
  /** What the devices' logs are asked to watch. Default: one range of 256 pages. */
  readonly pages?: number;
  /** How long an answer may take, ns. Default 60 s. */
  readonly limitNs?: number;
}

export interface TestFramework {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => void | Promise<void>): unknown;
}

/** Registers the suite; `create` is called for each test. */
export function driverConformance(
  create: () => ConformanceSubject | Promise<ConformanceSubject>,
  { describe, it }: TestFramework,
): void {
  const promise = (name: string, test: (session: Session) => void | Promise<void>) =>
    it(name, async () => {
      const session = new Session(await create());
      await test(session);
      session.subject.driver.close();
    });
  describe('a driver keeps the promises of the port', () => {
    promise('it declares what exists', declaresWhatExists);
    promise('it answers every command once, later, with its own name and a whole result', answersEverything);
    promise('the same id again is the same work', sameIdIsSameWork);
    promise('nobody is answered after abandon', abandonedIsNotAnswered);
    promise('a command that it does not have is refused', refusesUnknown);
    promise('reconcile says something about each command, and nothing false', reconciles);
    promise('close ends it, and again is nothing', closes);
  });
}

interface Step {
  readonly name: CommandName;
  readonly by: Address;
  readonly params: object;
  /** A driver may say that it cannot. */
  readonly mayFail?: boolean;
}

/** Everything that is asked of one driver, with ids as a run would give them. */
class Session {
  readonly subject: ConformanceSubject;
  readonly answers = new Map<EffectId, Answer[]>();
  #position = 0;
  #dirtySet = 0;

  constructor(subject: ConformanceSubject) {
    this.subject = subject;
  }

  /** What this driver can be asked, in the order of a migration and back. */
  get steps(): readonly Step[] {
    return migration(this.subject).filter(({ name }) => this.subject.driver.commands.has(name));
  }

  command({ name, by, params }: Step): Command {
    this.#position += 1;
    const needsSet = name === 'sendRound' || name === 'sendRemaining';
    return {
      kind: 'command',
      id: `${this.#position}:0`,
      by,
      name,
      params: needsSet ? { ...params, dirtySet: this.#dirtySet } : params,
      deadlineNs: Number.MAX_SAFE_INTEGER,
    } as Command;
  }

  /** Gives a command to the driver and keeps what it answers. Throws when it answers before it returns. */
  perform(command: Command): void {
    const { answers } = this;
    if (!answers.has(command.id)) answers.set(command.id, []);
    const before = this.answered(command).length;
    this.subject.driver.perform(command, (answer) => {
      answers.get(command.id)?.push(answer);
      if (answer.type === 'DONE.syncBitmap') this.#dirtySet = answer.dirtySet;
    });
    check(this.answered(command).length === before, `${command.name} was answered before perform returned`);
  }

  answered(command: Command): readonly Answer[] {
    return this.answers.get(command.id) ?? [];
  }

  /** The answer, once it has come. */
  async answer(command: Command): Promise<Answer> {
    this.perform(command);
    const limitNs = this.subject.limitNs ?? 60_000_000_000;
    for (let waitedNs = 0, stepNs = 1_000_000; waitedNs <= limitNs; waitedNs += stepNs, stepNs *= 2) {
      const [answer] = this.answered(command);
      if (answer !== undefined) return answer;
      await this.subject.advance(stepNs);
    }
    throw new Error(`${command.name} was not answered in ${limitNs / 1e9} s`);
  }
}

function declaresWhatExists({ subject: { driver } }: Session): void {
  check(driver.name.length > 0, 'a driver has a name');
  check(driver.commands.size > 0, 'a driver can do something');
  for (const name of driver.commands) check(Object.hasOwn(COMMANDS, name), `there is no command ${name}`);
}

async function answersEverything(session: Session): Promise<void> {
  const performed: Command[] = [];
  for (const step of session.steps) {
    const command = session.command(step);
    performed.push(command);
    const answer = await session.answer(command);
    checkAnswer(command, answer);
    check(
      step.mayFail === true || answer.type === `DONE.${step.name}`,
      `${step.name} in its legal place: ${JSON.stringify(answer)}`,
    );
  }
  await session.subject.advance(1_000_000_000);
  for (const command of performed) {
    check(
      session.answered(command).length === 1,
      `${command.name} was answered ${session.answered(command).length} times`,
    );
  }
}

async function sameIdIsSameWork(session: Session): Promise<void> {
  for (const step of session.steps) {
    const command = session.command(step);
    session.perform(command);
    const answer = await session.answer(command);
    session.perform(command);
    await session.subject.advance(1_000_000);
    check(session.answered(command).length === 1, `${step.name} asked three times under one id was answered again`);
    if (answer.type !== 'DONE.syncBitmap') continue;
    const next = await session.answer(session.command(step));
    check(
      next.type === 'DONE.syncBitmap' && next.dirtySet === answer.dirtySet + 1,
      `syncBitmap asked three times under one id was done more than once`,
    );
  }
}

async function abandonedIsNotAnswered(session: Session): Promise<void> {
  for (const step of session.steps) {
    const command = session.command(step);
    session.perform(command);
    session.subject.driver.abandon(command.id);
    session.subject.driver.abandon(command.id);
    await session.subject.advance(1_000_000_000);
    check(session.answered(command).length === 0, `${step.name} was abandoned and answered all the same`);
  }
  session.subject.driver.abandon('999999:0');
}

async function refusesUnknown(session: Session): Promise<void> {
  const command = session.command({ name: 'makeCoffee' as CommandName, by: 'guest', params: {} });
  try {
    session.perform(command);
  } catch {
    return;
  }
  await session.subject.advance(1_000_000_000);
  for (const { type } of session.answered(command) as readonly { type: string }[]) {
    check(type === 'FAILED.makeCoffee', `a command that does not exist was answered ${type}`);
  }
}

async function reconciles(session: Session): Promise<void> {
  const [first, second] = session.steps;
  if (first === undefined) return;
  const done = session.command(first);
  const answer = await session.answer(done);
  const underWay = session.command(second ?? first);
  session.perform(underWay);
  const never = session.command(first);
  const pending = [done, underWay, never];
  const found = await session.subject.driver.reconcile(pending);
  const of = (command: Command) => {
    const [one, ...more] = found.filter(({ id }) => id === command.id);
    check(one !== undefined && more.length === 0, `reconcile says ${more.length + 1} things about ${command.name}`);
    return one?.found;
  };
  check(found.length === pending.length, `reconcile was asked about 3 commands and speaks of ${found.length}`);
  const ofDone = of(done);
  check(
    ofDone === 'unknown' || JSON.stringify(ofDone) === JSON.stringify(answer),
    `${done.name} was done, and found ${JSON.stringify(ofDone)}`,
  );
  const ofUnderWay = of(underWay);
  if (typeof ofUnderWay === 'object') checkAnswer(underWay, ofUnderWay);
  const ofNever = of(never);
  check(
    ofNever === 'unknown' || ofNever === 'not-done',
    `${never.name} was never asked, and found ${JSON.stringify(ofNever)}`,
  );
}

async function closes(session: Session): Promise<void> {
  const { driver } = session.subject;
  const [first] = session.steps;
  const command = first === undefined ? undefined : session.command(first);
  if (command !== undefined) session.perform(command);
  driver.close();
  driver.close();
  await session.subject.advance(1_000_000_000);
  if (command !== undefined) check(session.answered(command).length === 0, `${command.name} was answered after close`);
}

/** One migration, forth and back, as the charts would command it. */
function migration({ devices = [], container = '0', pages = 256 }: ConformanceSubject): Step[] {
  const here = (id: string) => `device/${id}`;
  const there = (id: string) => `device/destination/${id}`;
  const set = (address: (id: string) => string, target: DeviceState): Step[] =>
    devices.map((id) => ({ name: 'setDeviceState', by: address(id), params: { target } }));
  const tracking = `tracking/${container}`;
  const track = (name: CommandName, params: object): Step => ({ name, by: tracking, params, mayFail: true });
  const step = (name: CommandName, by: Address, params: object = {}): Step => ({ name, by, params });
  const collect = (final: boolean): Step[] => [
    step('getDirtyLog', 'dirty-log'),
    ...(devices.length > 0 ? [track('reportDirty', { tracker: 'device', of: devices })] : []),
    step('syncBitmap', 'dirty-log', { final, everything: false }),
  ];
  return [
    step('prepareDestination', 'destination'),
    ...set(there, 'RESUMING'),
    ...devices.map((of) => track('startTracking', { tracker: 'device', of, ranges: [{ firstPage: 0, pages }] })),
    step('startDirtyLog', 'dirty-log'),
    ...collect(false),
    step('queryDeviceSizes', 'pre-copy', { exact: true }),
    step('throttleVcpus', 'guest', { percent: 20 }),
    step('throttleVcpus', 'guest', { percent: 0 }),
    step('sendRound', 'pre-copy', { round: 1, ends: { rule: 'drained' } }),
    step('haltRound', 'pre-copy'),
    ...devices.flatMap(cooperation),
    step('stopVcpus', 'guest'),
    ...set(here, 'STOP'),
    ...collect(true),
    step('sendRemaining', 'stop-and-copy'),
    ...set(here, 'STOP_COPY'),
    ...devices.map((device) => step('sendDeviceState', 'stop-and-copy', { device })),
    step('loadDestination', 'destination'),
    ...set(there, 'STOP'),
    step('releaseStorage', 'stop-and-copy'),
    step('acquireStorage', 'destination', { host: 'destination' }),
    ...set(there, 'RUNNING'),
    ...devices.map((id) => step('getDeviceState', there(id))),
    step('startDestination', 'destination'),
    ...devices.map((id) => driverStep(id, 'resumeDma', { host: 'destination' })),
    ...(devices.length > 0 ? [track('stopTracking', { tracker: 'device', of: devices })] : []),
    step('stopDirtyLog', 'dirty-log'),
    step('queryDestination', 'in-doubt'),
    step('queryStorage', 'in-doubt'),
    step('quitDestination', 'destination'),
    step('acquireStorage', 'roll-back', { host: 'source' }),
    ...devices.map((id) => step('resetDevice', here(id))),
    step('resumeVcpus', 'guest'),
  ];
}

/** What is asked of a device's guest driver; a guest that has none that helps says so. */
function driverStep(id: string, name: CommandName, params: object = {}): Step {
  return { name, by: `guest-driver/${id}`, params, mayFail: true };
}

function cooperation(id: string): Step[] {
  return [
    driverStep(id, 'notifyGuest'),
    driverStep(id, 'haltDma'),
    driverStep(id, 'confirmDmaHalted'),
    driverStep(id, 'dirtyDmaPages'),
    driverStep(id, 'resumeDma', { host: 'source' }),
  ];
}

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;
const isAmount = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isState = (value: unknown) => DEVICE_STATES.includes(value as DeviceState);
const isRecordOf = (test: (value: unknown) => boolean) => (value: unknown) =>
  typeof value === 'object' && value !== null && Object.values(value).every(test);
const isSizes = (value: unknown) =>
  fits(value as object, { initialBytes: isCount, dirtyBytes: isCount, stopCopyBytes: isCount });
const SENT: Shape = {
  sentPages: isCount,
  zeroPages: isCount,
  sentBytes: isCount,
  deviceBytes: isCount,
  remainingPages: isCount,
  remainingBytes: isCount,
  bandwidthBytesPerSecond: isAmount,
};

/** What a success must carry; commands that are not here answer with nothing more. */
const RESULTS: { readonly [N in CommandName]?: { readonly [K in keyof Commands[N]['result']]?: Shape[string] } } = {
  setDeviceState: { state: isState },
  getDeviceState: { state: isState },
  resetDevice: { state: isState },
  haltDma: { dmaPages: isCount },
  confirmDmaHalted: { halted: (value) => typeof value === 'boolean' },
  dirtyDmaPages: { dirtiedPages: isCount },
  reportDirty: { dirtyPages: isCount },
  getDirtyLog: { dirtyPages: isCount },
  syncBitmap: {
    dirtySet: isCount,
    remainingPages: isCount,
    remainingBytes: isCount,
    newDirtyPages: isCount,
    dirtyPagesBySource: isRecordOf(isCount),
    syncNs: isCount,
    guestStalledNs: (value) => value === undefined || isRecordOf(isCount)(value),
  },
  queryDeviceSizes: { devices: isRecordOf(isSizes) },
  sendRound: SENT,
  sendRemaining: SENT,
  sendDeviceState: { sentBytes: isCount },
};

function checkAnswer({ name }: Command, answer: Answer): void {
  const text = `${name}: ${JSON.stringify(answer)}`;
  if (answer.type === `FAILED.${name}`) {
    check('errno' in answer && /^E[A-Z0-9]+$/.test(answer.errno), `a failure has an errno; ${text}`);
    return;
  }
  check(answer.type === `DONE.${name}`, `an answer has its command's name; ${text}`);
  check(fits(answer, (RESULTS[name] ?? {}) as Shape), `a result is whole; ${text}`);
}

function fits(value: object, shape: Shape): boolean {
  return Object.entries(shape).every(([key, test]) => test((value as Readonly<Record<string, unknown>>)[key]));
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
