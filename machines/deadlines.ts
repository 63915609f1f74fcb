/**
 * The time limit of every command: why it is as long as it is, and what follows when it passes.
 *
 * The limits themselves stand in words.ts, beside the class. All of them are this project's own: the kernel's ioctls are
 * synchronous and QEMU waits for each of them for ever. So a limit here is a judgement on when silence means that nobody will
 * answer any more, and it is generous, because whoever is only slow is treated as failed. A scenario overrides each under
 * `deadlines`. What follows is the charts' business; a test has every one of these limits pass and holds the run to its row.
 */
import type { CommandName } from './words.ts';

/**
 * `turns-back`: the migration fails and the guest runs on the source. `goes-on`: as if it had been answered, with a warning
 * where something is left behind. `pauses`: the guest runs on the destination, and an operator has to say how it goes on.
 * `in-doubt`: nobody can tell where the guest runs, or that anybody has it, until a host is asked or fenced.
 */
export type WhatFollows = 'turns-back' | 'goes-on' | 'pauses' | 'in-doubt';

export interface Consequence {
  /** Which giving of the command; absent: every one. */
  readonly when?: string;
  readonly leadsTo: WhatFollows;
  /** What is done, in a few words. */
  readonly text: string;
}

export interface Deadline {
  readonly why: string;
  readonly follows: readonly Consequence[];
}

const LOCAL =
  'is answered by a process on the same host within milliseconds: ten seconds of silence is a process that hangs';
/** 1480 ms: Avihai Horon, "Add switchover ack capability and VFIO precopy support", qemu-devel, 2023. */
const HARDWARE =
  'waits for hardware or its firmware, where the slowest step that is known takes under two seconds (mlx5, resources allocated on load)';
const LOGS = 'walks tables or a bitmap of all of guest memory, seconds for TiBs at worst';
const BY_LINK =
  'is as long as what it sends over the link: an hour is 1 TiB at 2.5 Gbit/s, and a longer pass needs a limit of its own';
const PACED = 'under a rule that paces its passes it is twice what all of memory takes at its pace, if that is more';
const STATE = 'is as long as the device state is large: ten minutes are 64 GiB at 1 Gbit/s';
const PROCESS =
  'starts or asks a process that allocates the memory of a guest: a minute covers what huge pages take to be cleared';
const STORAGE = 'waits for a storage service to change its lock, which is seconds where it fails over';
const GUEST = 'waits for a driver in the guest, which may be busy and answers within seconds or never';

const fails = (text: string): readonly Consequence[] => [{ leadsTo: 'turns-back', text }];
const warns = (text: string): readonly Consequence[] => [{ leadsTo: 'goes-on', text }];
const losesALog: readonly Consequence[] = [
  { when: 'afterSyncError: fail', leadsTo: 'turns-back', text: 'what the log had is lost' },
  { when: 'afterSyncError: allDirty', leadsTo: 'goes-on', text: 'all of memory counts as dirty' },
];

export const DEADLINES: Readonly<Record<CommandName, Deadline>> = {
  stopVcpus: { why: LOCAL, follows: fails('nobody counts on stopped vCPUs: they are resumed') },
  resumeVcpus: {
    why: LOCAL,
    follows: [
      { when: 'the first times', leadsTo: 'goes-on', text: 'it is tried again' },
      { when: 'the last time', leadsTo: 'in-doubt', text: 'the source may run or not: ask it' },
    ],
  },
  decide: {
    why: 'asks a function of your own, which has nothing to wait for',
    follows: fails('a verdict that nobody gave is not made up'),
  },
  throttleVcpus: { why: LOCAL, follows: warns('the guest runs on unthrottled') },
  limitVcpuDirtyRate: { why: LOCAL, follows: warns('the guest runs on at its speed') },
  setDeviceState: {
    why: HARDWARE,
    follows: [
      {
        when: 'on the way there',
        leadsTo: 'turns-back',
        text: 'the state is read back, as the SET may rest anywhere on its path',
      },
      {
        when: 'on the way back',
        leadsTo: 'goes-on',
        text: 'the state is read back, and the device is reset if it does not run',
      },
      {
        when: 'on a destination that holds the storage',
        leadsTo: 'in-doubt',
        text: 'the state is read back; the source stays stopped',
      },
      { when: 'after the switchover', leadsTo: 'goes-on', text: 'a warning: the guest runs elsewhere' },
    ],
  },
  getDeviceState: { why: LOCAL, follows: fails('the device counts as lost, and a reset brings it back to the guest') },
  resetDevice: { why: HARDWARE, follows: warns('a warning: the guest runs on without the device') },
  notifyGuest: { why: GUEST, follows: fails('the driver is told to go on') },
  haltDma: { why: GUEST, follows: fails('the driver is told to go on') },
  confirmDmaHalted: { why: LOCAL, follows: fails('the driver is told to go on') },
  dirtyDmaPages: {
    why: 'writes to each page that the device could reach, up to millions of them',
    follows: fails('the driver is told to go on'),
  },
  resumeDma: {
    why: GUEST,
    follows: [
      { when: 'the first times', leadsTo: 'goes-on', text: 'it is tried again' },
      { when: 'the last time', leadsTo: 'goes-on', text: 'a warning: the device stays silent' },
    ],
  },
  plugDevice: { why: HARDWARE, follows: warns('a warning: the device is taken as not plugged') },
  ejectDevice: { why: GUEST, follows: warns('a warning: the device stays') },
  removeDevice: {
    why: HARDWARE,
    follows: warns('a warning: the guest has let the device go, and it takes no more part'),
  },
  startTracking: { why: LOGS, follows: fails('it may have started all the same, and is stopped with the others') },
  reportDirty: { why: LOGS, follows: losesALog },
  stopTracking: { why: LOGS, follows: warns('a warning: a log costs time and loses nothing') },
  startDirtyLog: { why: LOGS, follows: fails('the trackers that had been started are stopped') },
  getDirtyLog: { why: LOGS, follows: losesALog },
  stopDirtyLog: { why: LOGS, follows: warns('a warning: a log costs time and loses nothing') },
  syncBitmap: { why: LOGS, follows: fails('what the logs had is lost') },
  queryDeviceSizes: { why: LOCAL, follows: fails('an unknown size is never taken for zero') },
  sendRound: { why: `${BY_LINK}; ${PACED}`, follows: fails('sending is stopped') },
  haltRound: {
    why: LOCAL,
    follows: [
      { when: 'on the way back', leadsTo: 'goes-on', text: 'its answers are no longer waited for' },
      { when: 'as post-copy begins', leadsTo: 'turns-back', text: 'the guest has not left the source' },
      { when: 'as post-copy pauses', leadsTo: 'pauses', text: 'its answers are no longer waited for' },
    ],
  },
  setDowntimeLimit: { why: LOCAL, follows: warns('the pass under way ends by the old limit, the next one by the new') },
  queryMigrate: { why: LOCAL, follows: warns('the manager asks again at its next poll') },
  sendRemaining: { why: BY_LINK, follows: fails('sending is stopped') },
  sendDeviceState: { why: STATE, follows: fails('sending is stopped') },
  discardDirty: { why: LOGS, follows: fails('the destination has not been started: the source goes on') },
  sendMissing: { why: BY_LINK, follows: [{ leadsTo: 'pauses', text: 'post-copy pauses, and waits to be recovered' }] },
  reconnect: {
    why: 'tries a connection, which a network that is up makes within a second',
    follows: [{ leadsTo: 'pauses', text: 'post-copy stays paused' }],
  },
  compareReceived: { why: LOGS, follows: [{ leadsTo: 'pauses', text: 'post-copy stays paused' }] },
  releaseStorage: { why: STORAGE, follows: fails('the source takes its storage again') },
  acquireStorage: {
    why: STORAGE,
    follows: [
      { when: 'on the destination', leadsTo: 'turns-back', text: 'the source takes its storage again' },
      { when: 'on the source, the first times', leadsTo: 'goes-on', text: 'it is tried again' },
      { when: 'on the source, the last time', leadsTo: 'in-doubt', text: 'a source without its storage stays stopped' },
    ],
  },
  prepareDestination: { why: PROCESS, follows: fails('the destination is given up') },
  loadDestination: { why: STATE, follows: fails('the destination is given up') },
  startDestination: {
    why: PROCESS,
    follows: [{ leadsTo: 'in-doubt', text: 'it may be running: the source stays stopped' }],
  },
  quitDestination: {
    why: HARDWARE,
    follows: warns('it was never started, and the source goes on if it has the storage'),
  },
  queryDestination: { why: LOCAL, follows: [{ leadsTo: 'in-doubt', text: 'the doubt remains' }] },
  queryStorage: { why: LOCAL, follows: [{ leadsTo: 'in-doubt', text: 'the doubt remains' }] },
};
