/**
 * A driver without hardware: it answers every command with a plausible success after a fixed time and keeps the few bits
 * that decide whether an end is legal (who runs, who holds the storage, where each device is). The remaining bytes halve
 * with each round. Charts and runner are swept with it long before a page exists.
 */
import { Subject } from 'rxjs';
import type { Answer, CommandName, DeviceState } from '../../machines/words.ts';
import { COMMANDS } from '../../machines/words.ts';
import type { RunClock } from '../../src/clock/clock.ts';
import type { Command } from '../../src/core/effect.ts';
import type { Driver } from '../../src/drivers/driver.ts';

export interface ScriptedWorld {
  sourceRuns: boolean;
  destinationRuns: boolean;
  destinationGone: boolean;
  storage: 'source' | 'destination' | 'nobody';
  devices: Map<string, DeviceState>;
  /** Every moment at which two guests ran. */
  twoGuests: number;
}

const MS = 1_000_000;

export function scriptedDriver(
  clock: RunClock,
): Driver & { readonly world: ScriptedWorld; readonly performed: Command[] } {
  const world: ScriptedWorld = {
    sourceRuns: true,
    destinationRuns: false,
    destinationGone: false,
    storage: 'source',
    devices: new Map(),
    twoGuests: 0,
  };
  const performed: Command[] = [];
  const abandoned = new Set<string>();
  const answers = new Map<string, Answer>();
  let remaining = 1 << 20;
  let syncs = 0;

  function carryOut(command: Command): Answer {
    switch (command.name) {
      case 'stopVcpus':
        world.sourceRuns = false;
        return done(command.name);
      case 'resumeVcpus':
        world.sourceRuns = true;
        if (world.destinationRuns) world.twoGuests++;
        return done(command.name);
      case 'setDeviceState':
        world.devices.set(command.by, command.params.target);
        return { type: 'DONE.setDeviceState', state: command.params.target };
      case 'getDeviceState':
        return { type: 'DONE.getDeviceState', state: world.devices.get(command.by) ?? 'RUNNING' };
      case 'resetDevice':
        world.devices.set(command.by, 'RUNNING');
        return { type: 'DONE.resetDevice', state: 'RUNNING' };
      case 'reportDirty':
        return { type: 'DONE.reportDirty', dirtyPages: 10 };
      case 'getDirtyLog':
        return { type: 'DONE.getDirtyLog', dirtyPages: 10 };
      case 'syncBitmap':
        syncs++;
        return {
          type: 'DONE.syncBitmap',
          dirtySet: syncs,
          remainingPages: remaining >> 12,
          remainingBytes: remaining,
          newDirtyPages: 20,
          dirtyPagesBySource: { vcpu: 10 },
          syncNs: MS,
        };
      case 'queryDeviceSizes':
        return {
          type: 'DONE.queryDeviceSizes',
          devices: { nic0: { initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 4096 } },
        };
      case 'sendRound':
      case 'sendRemaining':
        remaining >>= 2;
        return {
          type: `DONE.${command.name}`,
          sentPages: 16,
          zeroPages: 0,
          sentBytes: 65536,
          deviceBytes: 0,
          remainingPages: remaining >> 12,
          remainingBytes: remaining,
          bandwidthBytesPerSecond: 1_000_000,
        } as Answer;
      case 'sendDeviceState':
        return { type: 'DONE.sendDeviceState', sentBytes: 4096 };
      case 'discardDirty':
        return { type: 'DONE.discardDirty', missingPages: remaining >> 12, sentBytes: 64 };
      case 'sendMissing':
        remaining = 0;
        return {
          type: 'DONE.sendMissing',
          sentPages: 16,
          zeroPages: 0,
          sentBytes: 65536,
          missingPages: 0,
          requestedPages: 2,
        };
      case 'compareReceived':
        return { type: 'DONE.compareReceived', missingPages: remaining >> 12 };
      case 'reconnect':
        return done(command.name);
      case 'releaseStorage':
        if (world.storage === 'source') world.storage = 'nobody';
        return done(command.name);
      case 'acquireStorage':
        if (world.storage !== 'nobody' && world.storage !== command.params.host) return failed(command.name, 'EBUSY');
        world.storage = command.params.host;
        return done(command.name);
      case 'startDestination':
        if (world.storage !== 'destination') return failed(command.name, 'EPERM');
        world.destinationRuns = true;
        if (world.sourceRuns) world.twoGuests++;
        return done(command.name);
      case 'quitDestination':
        world.destinationGone = true;
        if (world.storage === 'destination') world.storage = 'nobody';
        return done(command.name);
      case 'queryDestination':
        return { type: 'DONE.queryDestination', state: destinationState(world) };
      case 'queryStorage':
        return { type: 'DONE.queryStorage', holder: world.storage };
      case 'haltDma':
        return { type: 'DONE.haltDma', dmaPages: 64 };
      case 'confirmDmaHalted':
        return { type: 'DONE.confirmDmaHalted', halted: true };
      case 'dirtyDmaPages':
        return { type: 'DONE.dirtyDmaPages', dirtiedPages: 64 };
      case 'notifyGuest':
      case 'resumeDma':
      case 'throttleVcpus':
      case 'limitVcpuDirtyRate':
      case 'plugDevice':
      case 'ejectDevice':
      case 'removeDevice':
      case 'startTracking':
      case 'stopTracking':
      case 'startDirtyLog':
      case 'stopDirtyLog':
      case 'haltRound':
      case 'setDowntimeLimit':
      case 'prepareDestination':
      case 'loadDestination':
        return done(command.name);
      case 'decide':
        return { type: 'DONE.decide', verdict: 'switchover', because: {}, memory: null };
      case 'queryMigrate':
        return { type: 'DONE.queryMigrate', status: 'active', totalTimeMs: 0, downtimeLimitMs: 300 };
      default:
        command satisfies never;
        throw new Error('unknown command');
    }
  }

  return {
    name: 'scripted',
    world,
    performed,
    commands: new Set(Object.keys(COMMANDS) as CommandName[]),
    loop: 'we',
    verdicts: new Set(['continue', 'switchover']),
    sizes: new Set(['initialBytes', 'dirtyBytes', 'stopCopyBytes']),
    facts$: new Subject(),
    pages$: new Subject(),
    perform(command, answer) {
      performed.push(command);
      const tookMs = command.name.startsWith('send') ? 50 : 2;
      clock.at(clock.nowNs + tookMs * MS, () => {
        const result = answers.get(command.id) ?? carryOut(command);
        answers.set(command.id, result);
        if (!abandoned.has(command.id)) answer(result);
      });
    },
    abandon(id) {
      abandoned.add(id);
    },
    reconcile: async (pending) =>
      pending.map((command) => {
        const answer = answers.get(command.id);
        if (answer !== undefined) return { id: command.id, found: answer };
        return {
          id: command.id,
          found: performed.some(({ id }) => id === command.id) ? ('unknown' as const) : ('not-done' as const),
        };
      }),
    close() {},
  };
}

function destinationState(world: ScriptedWorld): 'gone' | 'running' | 'loaded' {
  if (world.destinationGone) return 'gone';
  return world.destinationRuns ? 'running' : 'loaded';
}

const done = (name: CommandName) => ({ type: `DONE.${name}` }) as Answer;
const failed = (name: CommandName, errno: string) => ({ type: `FAILED.${name}`, errno }) as Answer;
