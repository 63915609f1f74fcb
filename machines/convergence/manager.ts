/**
 * The contract of a manager: who watches the vmm from outside and turns its knobs.
 *
 * A manager sees what QEMU's query-migrate told it at its last poll, or the event MIGRATION_PASS, and nothing else. It may
 * set the downtime limit, start post-copy, stop the guest, or cancel. Whatever it does it announces with the numbers that it
 * did it for. It begins when pre-copy runs and is dismissed when that ends, whoever ended it: what a real one may still do
 * while the guest stands (an abort by its time limit) it does not do here.
 */
import type { AnyStateMachine } from 'xstate';
import { facts, messages, type Received } from '../messages.ts';
import type { Answer, Because, MigrateInfo, Verdict } from '../words.ts';

/** What a manager knows of the VM before it starts. */
export interface ManagedVm {
  readonly ramBytes: number;
  /** It has VFIO devices. */
  readonly vfio: boolean;
  /** The capability postcopy-ram is on, and nothing stands against it. */
  readonly postCopy: boolean;
  readonly downtimeLimitMs: number;
}

export interface ManagerInput<P> {
  readonly parameters: P;
  readonly vm: ManagedVm;
}

export interface ManagerEntry<P extends object = Readonly<Record<string, unknown>>> {
  readonly name: string;
  readonly version: string;
  readonly role: 'manager';
  readonly description: string;
  /** Where its rule and its constants are published. */
  readonly source: string;
  readonly machine: AnyStateMachine;
  /** The published constants; a scenario may give each another value. */
  readonly defaults: P;
  /** What each parameter is, for whoever writes a scenario. */
  readonly parameters: { readonly [K in keyof P]: string };
  /** Of parameters that are words: which there are. */
  readonly words?: { readonly [K in keyof P]?: readonly string[] };
  /** Of parameters that the source limits: the least that it takes. */
  readonly least?: { readonly [K in keyof P]?: number };
  /** It cannot do its work without post-copy, with these parameters. */
  readonly needsPostCopy?: (parameters: P) => boolean;
  /** The throttle that its policy switches on with it, where it is named without another. */
  readonly throttle?: 'auto-converge';
  /** It may stop the guest, with these parameters. */
  readonly maySuspend?: (parameters: P, postCopy: boolean) => boolean;
}

/** Orders, and what is told of them. A chart takes those that it gives. */
export const tellingDecisions = facts({ tellDecision: 'MANAGER_DECIDED' });
export const settingDowntime = messages({ setDowntime: ['pre-copy', 'SET_DOWNTIME_LIMIT'] });
export const startingPostCopy = messages({ startPostCopy: ['migration', 'START_POSTCOPY'] });
export const aborting = messages({ abort: ['migration', 'CANCEL'] });
export const suspending = {
  ...messages({ stopGuest: ['guest', 'STOP'] }),
  ...facts({ tellSuspended: 'GUEST_SUSPENDED' }),
};

/** What the parameters of an action are made of. */
export interface Near<C> {
  readonly context: C;
}

/** A decision told with the numbers that it was made on. */
export function decided<C>(manager: string, verdict: (context: C) => Verdict, because: (context: C) => Because) {
  return {
    type: 'tellDecision',
    params: ({ context }: Near<C>) => ({ manager, verdict: verdict(context), because: because(context) }),
  } as const;
}

/** Sets the downtime limit, and tells of it. */
export function limited<C>(manager: string, limitMs: (context: C) => number, because: (context: C) => Because) {
  return [
    { type: 'setDowntime', params: ({ context }: Near<C>) => ({ downtimeLimitMs: limitMs(context) }) },
    decided<C>(manager, (context) => ({ downtimeLimitMs: limitMs(context) }), because),
  ] as const;
}

/** Starts post-copy, and tells of it. */
export function postCopyStarted<C>(manager: string, because: (context: C) => Because) {
  return ['startPostCopy', decided<C>(manager, () => 'postcopy', because)] as const;
}

/** Stops the guest, and tells of it. */
export function guestPaused<C>(manager: string, because: (context: C) => Because) {
  return [
    'stopGuest',
    { type: 'tellSuspended', params: { manager } },
    decided<C>(manager, () => 'pauseGuest', because),
  ] as const;
}

/** Cancels for a reason in words. */
export function cancelled<C>(manager: string, reason: (context: C) => string) {
  return {
    type: 'abort',
    params: ({ context }: Near<C>) => ({ because: `aborted by ${manager}: ${reason(context)}` }),
  } as const;
}

/** What one that polls may hear. */
export type PollerEvents = Received<'manager'> | Answer<'queryMigrate'>;

/** QEMU tells of the memory only while it sends. */
export function isSending({ event }: { readonly event: PollerEvents }): boolean {
  return event.type === 'DONE.queryMigrate' && event.ram !== undefined;
}

/** What a manager may hear in a state that does not wait for it. */
export const heard = {
  DISMISS: { description: 'Pre-copy is over, or the way back has begun.', target: '.dismissed' },
  MIGRATION_ACTIVE: { description: 'Known.' },
  MIGRATION_PASS: { description: 'Not what it waits for.' },
  GUEST_REACHED: { description: 'Not what it waits for.' },
} as const;

/** The same for one that asks query-migrate. */
export const heardByPoller = {
  ...heard,
  'DONE.queryMigrate': { description: 'Asked before it had decided.' },
  'FAILED.queryMigrate': { description: 'Asked before it had decided.' },
} as const;

/** One poll; `deciding` is the chart's own. */
export const asking = {
  entry: 'queryMigrate',
  on: {
    'DONE.queryMigrate': [
      { guard: 'isSending', target: 'deciding', actions: 'remember' },
      { description: 'QEMU tells nothing of the memory in status setup, nor once it has failed.', target: 'watching' },
    ],
    'FAILED.queryMigrate': { description: 'Asked again at the next poll.', target: 'watching' },
  },
} as const;

/** Before the first poll. */
export function nothingSeen(vm: ManagedVm): MigrateInfo {
  return { status: 'none', totalTimeMs: 0, downtimeLimitMs: vm.downtimeLimitMs };
}

/** The fields of an answer, without what the core adds. */
export function infoOf({
  status,
  totalTimeMs,
  downtimeLimitMs,
  ram,
  expectedDowntimeMs,
  remainingBytes,
}: MigrateInfo): MigrateInfo {
  return {
    status,
    totalTimeMs,
    downtimeLimitMs,
    ...(ram === undefined ? {} : { ram }),
    ...(expectedDowntimeMs === undefined ? {} : { expectedDowntimeMs }),
    ...(remainingBytes === undefined ? {} : { remainingBytes }),
  };
}

export function remainingOf({ ram }: MigrateInfo): number {
  return ram?.remainingBytes ?? 0;
}

/** What every decision of one that polls is told with. */
export function seenNumbers(seen: MigrateInfo): Because {
  return { elapsedMs: seen.totalTimeMs, remainingBytes: remainingOf(seen), downtimeLimitMs: seen.downtimeLimitMs };
}
