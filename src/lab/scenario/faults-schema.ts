/**
 * The shape of one entry of `faults`: a flat mapping, whose keys say whether it is about a command or happens in the world.
 * Which keys go together is held here, so that a mistake is told at the entry; what must agree with the rest of the
 * scenario is faults.ts.
 */
import type { z } from 'zod';
import { COMMANDS, type CommandName, DEVICE_STATES, type Errno } from '../../../machines/words.ts';
import { ERRNOS_BY_COMMAND } from '../../drivers/errnos.ts';
import type { WorldEvent } from '../../drivers/mishaps.ts';
import { id } from './devices/common.ts';
import { count, leaf, quantity, section, word } from './leaf.ts';
import { PERCENT, type PercentText } from './quantity.ts';
import { duration, size } from './values.ts';

/** What an event of the world needs beside its name, and what it may have. */
export const WORLD_EVENTS: Readonly<
  Record<WorldEvent['happens'], { readonly needs: readonly FaultKey[]; readonly may: readonly FaultKey[] }>
> = {
  'guest-reset': { needs: ['device'], may: [] },
  'initial-bytes-again': { needs: ['device', 'bytes'], may: [] },
  'link-down': { needs: [], may: ['for'] },
  'link-slow': { needs: ['percent'], may: ['for'] },
  'destination-dies': { needs: [], may: ['silent'] },
  'source-dies': { needs: [], may: [] },
};

const commands = Object.keys(COMMANDS) as CommandName[];
const errnos = [...new Set(Object.values(ERRNOS_BY_COMMAND).flatMap((causes) => causes.map(({ errno }) => errno)))];

const yes = (description: string) =>
  leaf<true, true>({
    expected: 'true',
    json: { const: true },
    description,
    read: (input) => (input === true ? { value: true } : { hint: null }),
  });

/** One entry, before what its keys say together is looked at. */
const flat = section({
  command: word(commands, 'Which command goes wrong.').optional(),
  nth: count(1, 1_000_000, 'Which of these commands, from 1; 1 by default.').optional(),
  of: leaf<string, string>({
    expected: 'a device, or destination/ and a device',
    example: 'destination/nic0',
    json: { type: 'string', pattern: '^(destination/)?[a-z0-9-]+$' },
    description: 'Only the commands that are about this device.',
    read: (input) =>
      typeof input === 'string' && /^(destination\/)?[a-z0-9-]+$/.test(input) ? { value: input } : { hint: null },
  }).optional(),
  fails: word(errnos.sort() as Errno[], 'It is answered as failed, and not done.').optional(),
  done: yes('With fails: it is done all the same; what was read from a log is gone.').optional(),
  restsIn: word(
    DEVICE_STATES,
    'With fails, of a setDeviceState: the device rests there, on its way or in ERROR.',
  ).optional(),
  hangs: yes('It is not done and never answered.').optional(),
  silent: yes('It is done and never answered; of destination-dies: its host lost power, nothing refuses.').optional(),
  slowBy: duration('It is done in time and answered so much later.').optional(),
  twice: yes('It is answered twice.').optional(),
  at: duration('When it happens, on the run’s clock.').optional(),
  after: word(commands, 'It happens right after this command was given; nth says after which of them.').optional(),
  happens: word(Object.keys(WORLD_EVENTS) as WorldEvent['happens'][], 'What happens in the world.').optional(),
  device: id.optional(),
  bytes: size('New initial data of a device in pre-copy.').optional(),
  percent: quantity<PercentText>(PERCENT, 'How much of the link’s bandwidth is left.').optional(),
  for: duration('How long; for ever by default.').optional(),
});

type Flat = z.output<typeof flat>;
export type FaultKey = keyof Flat;

const HOW = ['fails', 'hangs', 'silent', 'slowBy', 'twice'] as const satisfies readonly FaultKey[];

interface Shape {
  readonly expected: string;
  readonly example: string;
  readonly hint: string | null;
}

export const faultSchema = flat.superRefine((read, context) => {
  const wrong = read.command === undefined ? happeningWrong(read) : commandWrong(read);
  if (wrong === undefined) return;
  context.addIssue({ code: 'custom', message: 'a fault', params: { ...wrong } });
});

function commandWrong(read: Flat): Shape | undefined {
  const example = '{ command: sendRound, nth: 2, fails: ECONNRESET }';
  const how = HOW.filter((key) => read[key] !== undefined);
  if (how.length !== 1) {
    const hint = how.length === 0 ? null : `it has ${how.join(' and ')}`;
    return { expected: `one of ${HOW.join(', ')} beside command`, example, hint };
  }
  const strangers = strange(read, ['command', 'nth', 'of', 'done', 'restsIn', ...how]);
  if (strangers !== undefined) return { expected: 'a fault of a command', example, hint: strangers };
  if ((read.done ?? read.restsIn) !== undefined && read.fails === undefined) {
    return { expected: 'fails beside done or restsIn', example, hint: null };
  }
  if (read.done !== undefined && read.restsIn !== undefined) {
    return { expected: 'done or restsIn, and not both', example, hint: 'restsIn its target is done' };
  }
  if (read.restsIn !== undefined && read.command !== 'setDeviceState') {
    const rests = '{ command: setDeviceState, of: nic0, nth: 2, fails: EIO, restsIn: PRE_COPY_P2P }';
    return { expected: 'restsIn of setDeviceState alone', example: rests, hint: `${read.command} moves no device` };
  }
  return undefined;
}

function happeningWrong(read: Flat): Shape | undefined {
  const example = '{ at: 2s, happens: link-down, for: 5s }';
  if (read.happens === undefined) {
    return { expected: 'a command that goes wrong, or what happens', example, hint: null };
  }
  if ((read.at === undefined) === (read.after === undefined)) {
    const hint = read.at === undefined ? null : 'it has both';
    return { expected: 'at or after beside happens', example, hint };
  }
  if (read.nth !== undefined && read.after === undefined) {
    return { expected: 'nth beside after', example: '{ after: sendRound, nth: 2, happens: source-dies }', hint: null };
  }
  const { needs, may } = WORLD_EVENTS[read.happens];
  const missing = needs.filter((key) => read[key] === undefined);
  if (missing.length > 0) return { expected: `${missing.join(' and ')} beside ${read.happens}`, example, hint: null };
  const strangers = strange(read, ['happens', 'at', 'after', 'nth', ...needs, ...may]);
  return strangers === undefined
    ? undefined
    : { expected: `a fault that ${read.happens} is`, example, hint: strangers };
}

function strange(read: Flat, known: readonly FaultKey[]): string | undefined {
  const keys = (Object.keys(read) as FaultKey[]).filter((key) => read[key] !== undefined && !known.includes(key));
  return keys.length === 0 ? undefined : `${keys.join(' and ')} has no meaning here`;
}
