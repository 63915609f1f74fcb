/**
 * Where the guest runs, as far as the records tell: whose vCPUs were told to stop or to run, and who answered. A host that was
 * told to run and has not answered makes it unknown, and it stays so until somebody asks that host.
 */
import type { CommandName, Errno } from '../../../machines/words.ts';
import type { Host } from './command-about.ts';

export type GuestRunsOn = 'source' | 'destination' | 'nobody' | 'unknown';

export interface GuestPlace {
  readonly runsOn: GuestRunsOn;
  readonly because: string;
}

/** So many orders in a row that the source lets run out of time are more than a command that hangs; this project's own. */
const SILENT_MIN = 2;

/** An answer that leaves open whether the command was carried out: none in time, or a connection that is gone. */
function leavesOpen(errno: Errno): boolean {
  return errno === 'ETIMEDOUT' || errno === 'ECONNRESET' || errno === 'ENOTCONN';
}

export class GuestWhereabouts {
  private source: 'running' | 'stopping' | 'stopped' | 'resuming' | 'resumed' | 'unknown' | 'fenced' = 'running';
  private destination: 'idle' | 'told' | 'failed' | 'running' = 'idle';
  private errno: Errno | undefined;
  /** A resume that nobody answered may have been carried out, whatever a later one answered. */
  private mayHaveResumed = false;
  private storage: Host | 'nobody' | 'unknown' = 'source';
  private storageRefused = false;
  /** Commands that the source has let run out of time since it last answered one. */
  private unanswered = 0;
  /** The source was told to let go of its storage. */
  released = false;

  commanded(name: CommandName): void {
    if (name === 'stopVcpus') this.source = 'stopping';
    if (name === 'resumeVcpus') this.source = 'resuming';
    if (name === 'startDestination') this.destination = 'told';
    if (name === 'releaseStorage') {
      this.released = true;
      this.storage = 'unknown';
    }
  }

  done(name: CommandName, host: Host): void {
    if (host === 'source') this.unanswered = 0;
    if (name === 'stopVcpus') this.source = 'stopped';
    if (name === 'resumeVcpus') this.source = 'resumed';
    if (name === 'startDestination') this.destination = 'running';
    if (name === 'releaseStorage') this.storage = 'nobody';
    if (name === 'acquireStorage') {
      this.storage = host;
      this.storageRefused = false;
    }
  }

  failed(name: CommandName, host: Host, errno: Errno): void {
    if (host === 'source') this.unanswered = errno === 'ETIMEDOUT' ? this.unanswered + 1 : 0;
    if (name === 'startDestination') this.destination = 'failed';
    if (name === 'resumeVcpus') {
      this.mayHaveResumed ||= leavesOpen(errno);
      this.source = this.mayHaveResumed ? 'unknown' : 'stopped';
    }
    // A stop that failed may have stopped some of them: they are resumed before anybody counts on it.
    if (name === 'stopVcpus') this.source = 'unknown';
    if (name === 'acquireStorage' && host === 'source') this.storageRefused = true;
    if (name === 'acquireStorage' && host === 'destination' && leavesOpen(errno)) this.storage = 'unknown';
    if (name === 'startDestination') this.errno = errno;
  }

  /** What an operator knows, or a destination that was asked has said. */
  found(what: 'source-fenced' | 'destination-fenced' | 'destination-runs' | 'destination-does-not-run'): void {
    if (what === 'source-fenced') this.source = 'fenced';
    else this.destination = what === 'destination-runs' ? 'running' : 'idle';
  }

  /** It holds the storage, or was told to run. */
  get destinationMayRun(): boolean {
    return this.destination !== 'idle' || this.storage === 'destination';
  }

  get place(): GuestPlace {
    if (this.destination === 'running')
      return { runsOn: 'destination', because: 'the destination answered that it runs' };
    if (this.destination === 'told') {
      return { runsOn: 'unknown', because: 'the destination was told to run and has not answered' };
    }
    if (this.destination === 'failed') {
      return { runsOn: 'unknown', because: `the destination was told to run and ${this.answerText()}` };
    }
    switch (this.source) {
      case 'running':
        return this.unlessSilent('its vCPUs were never stopped');
      case 'resumed':
        return this.unlessSilent('its vCPUs were resumed');
      case 'resuming':
        return { runsOn: 'unknown', because: 'the source was told to resume its vCPUs and has not answered' };
      case 'stopping':
        return { runsOn: 'unknown', because: 'the source was told to stop its vCPUs and has not answered' };
      case 'unknown':
        return { runsOn: 'unknown', because: 'the source was told to resume its vCPUs and did not answer every time' };
      case 'fenced':
        return { runsOn: 'nobody', because: 'the source was fenced, and the destination does not run' };
      case 'stopped':
        return { runsOn: 'nobody', because: `the vCPUs of the source are stopped${this.storageText()}` };
      default:
        return this.source satisfies never;
    }
  }

  /** A source that answers nothing may be dead, and the guest with it. */
  private unlessSilent(because: string): GuestPlace {
    if (this.unanswered < SILENT_MIN) return { runsOn: 'source', because };
    return {
      runsOn: 'unknown',
      because: `${because}, and the source has let ${this.unanswered} orders run out of time since it last answered`,
    };
  }

  private answerText(): string {
    const { errno } = this;
    return errno === undefined || leavesOpen(errno) ? 'has not answered' : `answered with ${errno}`;
  }

  private storageText(): string {
    if (this.storageRefused)
      return ' and it could not take its storage again, and the destination was never told to run';
    switch (this.storage) {
      case 'source':
        return ' and it holds its storage';
      case 'destination':
        return ', and the destination holds the storage and was never told to run';
      case 'nobody':
        return ' and it has released its storage, and the destination was never told to run';
      case 'unknown':
        return ', the destination was never told to run, and who holds the storage is not known';
      default:
        return this.storage satisfies never;
    }
  }
}
