/**
 * One case of a check: a scenario as a person could write it, and what a scenario's file cannot say: after which record the
 * orchestrator dies, and who settles a doubt. Plain JSON, made from a seed and from nothing else.
 */
import type { CommandName } from '../../../machines/words.ts';
import type { Change } from '../branch/change.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { OwnPolicyName } from './draw/own-policies.ts';

/** Right after the record that gives the nth command of this name, or after the one that answers it. */
export interface Moment {
  readonly command: CommandName;
  /** From 1. */
  readonly nth: number;
  readonly answered?: true;
}

export interface Crash {
  /** The last record that the dying orchestrator writes: by its position, or by what it gives or answers. */
  readonly after: number | Moment;
  /** Whether the effects of that record still went out. */
  readonly effects: 'sent' | 'unsent';
  /** How long the world goes on without it, ms. */
  readonly deadMs: number;
}

/** What an operator does about a run that rests in doubt: has it taken up, or fences a host, which is dead from then on. */
export const DOUBTS = ['asked', 'source-fenced', 'destination-fenced'] as const;
export type Doubt = (typeof DOUBTS)[number];

/** Orders that an operator may give at any time, in place or not; each is refused or does nothing where it means nothing. */
export const ORDERS = [
  'MIGRATE',
  'CANCEL',
  'CONTINUE',
  'START_POSTCOPY',
  'PAUSE',
  'RECOVER',
  'PLUG',
  'UNPLUG',
] as const;

export interface Order {
  readonly order: (typeof ORDERS)[number];
  /** Of PLUG and UNPLUG. */
  readonly device?: string;
  /** Given right after this record. */
  readonly after: number | Moment;
}

export interface Case {
  readonly seed: number;
  readonly input: ScenarioInput;
  /** A function that a program hands over, in place of the scenario's policy. */
  readonly own?: OwnPolicyName;
  /** Functions that watch. */
  readonly ownShadows?: readonly OwnPolicyName[];
  /** Another migration leaves over the same link. */
  readonly neighbour?: true;
  /** What is other from right after this record on. */
  readonly branch?: { readonly after: number; readonly change: Change };
  readonly crash?: Crash;
  /** Of the orchestrator that came after it. */
  readonly secondCrash?: Crash;
  /** What is done about a doubt, and about the next one. A host is fenced once: later orders to fence are not given. */
  readonly doubts?: readonly Doubt[];
  readonly orders?: readonly Order[];
  /** What the operator says of a switchover that is paused, and how much later, ms; CONTINUE at once unless given. */
  readonly pause?: { readonly order: 'CONTINUE' | 'CANCEL'; readonly afterMs: number };
}

/** "after record 12", "after the 2nd sendRound is answered". */
export function momentText(after: number | Moment): string {
  if (typeof after === 'number') return `after record ${after}`;
  return `after ${after.command} number ${after.nth} is ${after.answered === true ? 'answered' : 'given'}`;
}

/** What goes wrong with a command, or in the world, as a scenario says it. */
export type FaultInput = NonNullable<ScenarioInput['faults']>[number];

/** What kinds of fault there are: those of commands, then what happens in the world. */
export const FAULT_KINDS = [
  'fails',
  'fails, done',
  'rests',
  'hangs',
  'silent',
  'slow',
  'twice',
  'guest-reset',
  'initial-bytes-again',
  'link-down',
  'link-slow',
  'destination-dies',
  'source-dies',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export function kindOfFault(fault: FaultInput): FaultKind {
  if (fault.happens !== undefined) return fault.happens;
  if (fault.hangs === true) return 'hangs';
  if (fault.silent === true) return 'silent';
  if (fault.twice === true) return 'twice';
  if (fault.slowBy !== undefined) return 'slow';
  if (fault.restsIn !== undefined) return 'rests';
  return fault.done === true ? 'fails, done' : 'fails';
}
