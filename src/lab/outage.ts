/**
 * What becomes of the world while nobody orchestrates it: each command that was given and not answered is not done, half done
 * or done, and time passes.
 *
 * Which of the three is drawn once, from the run's seed and the last record's position, and written into the journal with
 * the order that takes the run up, so that the same outage can be lived through again. Only what can be the case is drawn: a
 * command that the world has begun cannot be not done. `half-done`: begun, and nobody knows what came of it; a SET rests
 * somewhere on its way, a transmission ends where it is, anything else is carried out behind everybody's back.
 */
import { type Answer, COMMANDS, DEVICE_STATES, type DeviceState } from '../../machines/words.ts';
import type { VirtualClock } from '../clock/virtual-clock.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId, RecordedEvent } from '../core/record.ts';
import type { Driver, Found } from '../drivers/driver.ts';
import { createRandom } from '../hardware/random.ts';

export const FATES = ['not-done', 'half-done', 'done'] as const;
export type Fate = (typeof FATES)[number];

/** Plain JSON: it stands in a record. */
export interface Outage {
  /** How long nobody was there, at least: until everything that was to be done is done, and for so many ns. */
  readonly outageNs: number;
  readonly fates: Readonly<Record<EffectId, { readonly fate: Fate; readonly restsIn?: DeviceState }>>;
}

export type FoundOf = readonly { readonly id: EffectId; readonly found: Found }[];

/** From a microsecond to ten seconds, any magnitude as likely; this project's own. */
const OUTAGE_NS = { log10Least: 3, log10Most: 10 };

/** Draws for the commands without an answer; `begun` is what the driver knows of them now. `wanted` is taken instead where it can be. */
export function drawOutage(
  seed: number,
  position: number,
  pending: readonly Command[],
  begun: FoundOf,
  wanted?: Fate,
): Outage {
  const random = createRandom(seed, `outage after record ${position}`);
  const fates = pending.map(({ id, name }) => {
    const drawn = wanted ?? (FATES[random.below(FATES.length)] as Fate);
    const isNew = (begun.find((one) => one.id === id)?.found ?? 'unknown') === 'not-done';
    const fate = drawn === 'not-done' && !isNew ? 'half-done' : drawn;
    if (name !== 'setDeviceState' || fate !== 'half-done' || !isNew) return [id, { fate }];
    return [id, { fate, restsIn: DEVICE_STATES[random.below(DEVICE_STATES.length)] as DeviceState }];
  });
  const { log10Least, log10Most } = OUTAGE_NS;
  const outageNs = Math.round(10 ** (log10Least + (log10Most - log10Least) * random.unit()));
  return { outageNs, fates: Object.fromEntries(fates) };
}

/** The outage that a record tells of; nothing happened in one that is not there. */
export function outageIn(event: RecordedEvent): Outage {
  const { outage } = event as { readonly outage?: Outage };
  return outage ?? { outageNs: 0, fates: {} };
}

/** Lets it happen, and says what whoever comes next will find. */
export function liveThrough(outage: Outage, pending: readonly Command[], driver: Driver, clock: VirtualClock): FoundOf {
  const answers = new Map<EffectId, Answer>();
  const fateOf = ({ id }: Command) => outage.fates[id]?.fate ?? 'not-done';
  const [done, halfDone] = [
    pending.filter((one) => fateOf(one) === 'done'),
    pending.filter((one) => fateOf(one) === 'half-done'),
  ];
  for (const command of done) driver.perform(command, (answer) => answers.set(command.id, answer));
  for (const command of halfDone) beginHalf(command, outage, driver);
  clock.runUntil(clock.nowNs + outage.outageNs);
  // What hangs is not waited for longer than anybody would have.
  const limitNs = Math.max(clock.nowNs, ...done.map(({ deadlineNs }) => deadlineNs));
  const waits = () => done.some(({ id }) => !answers.has(id));
  for (let dueNs = clock.nextDueNs(); waits() && dueNs !== undefined && dueNs <= limitNs; dueNs = clock.nextDueNs()) {
    clock.step();
  }
  for (const { id } of [...done, ...halfDone]) if (!answers.has(id)) driver.abandon(id);
  return pending.map((command) => ({ id: command.id, found: foundOf(fateOf(command), answers.get(command.id)) }));
}

function beginHalf(command: Command, { fates }: Outage, driver: Driver): void {
  const restsIn = fates[command.id]?.restsIn;
  if (command.name === 'setDeviceState' && restsIn !== undefined) driver.mishaps?.failSet(command, 'EIO', restsIn);
  driver.perform(command, () => {});
  // What may be asked for again keeps its answer for then.
  if (COMMANDS[command.name].class === 'repeatable') driver.abandon(command.id);
}

function foundOf(fate: Fate, answer: Answer | undefined): Found {
  if (fate === 'not-done') return 'not-done';
  return fate === 'done' ? (answer ?? 'unknown') : 'unknown';
}
