/**
 * Never two running guests, and after any end exactly one, or none where the outcome says `in-doubt` or the source is dead.
 *
 * It counts who *may* run, not who is thought to: an order to run counts from the moment it is on its way, answered or not,
 * and only a definite refusal takes it back. A time-out or a broken connection refuses nothing. So two guests are found when
 * the second is told to run, before anything could be lost by it. What settles a doubt is a host's own answer about itself,
 * the answer that its process has been ended, or an operator's word that it is fenced. Until then nobody may end the
 * destination either: a guest that may run there must not be replaced by an older one.
 */
import type { Errno } from '../../machines/words.ts';
import { type Checker, type CheckResult, FirstBreak } from './checker.ts';
import type { Happening } from './happening.ts';

/** An order that failed with one of these may have been carried out all the same. */
const INDEFINITE: readonly Errno[] = ['ETIMEDOUT', 'ECONNRESET'];

type Runs = 'yes' | 'no' | 'maybe';

export class OneGuest implements Checker {
  readonly name = 'one-guest';
  private readonly broke = new FirstBreak(this.name);
  private source: Runs = 'yes';
  private destination: Runs = 'no';
  private startIssued = false;
  private sourceFenced = false;

  see(happening: Happening): void {
    switch (happening.kind) {
      case 'issued':
        this.issued(happening.command.name, happening.position);
        break;
      case 'done':
        this.done(happening.command.name, happening.late);
        if (happening.command.name === 'queryDestination') this.told(String(happening.event.state));
        break;
      case 'failed':
        if (!happening.late) this.failed(happening.command.name, happening.errno);
        break;
      case 'abandoned':
        if (happening.command.name === 'stopVcpus' || happening.command.name === 'resumeVcpus') this.source = 'maybe';
        break;
      case 'fact':
        if (happening.event.type === 'ENDED') this.ended(String(happening.event.outcome), happening.position);
        break;
      case 'told':
        if (happening.event.type === 'DESTINATION_FENCED') this.endDestination();
        if (happening.event.type === 'SOURCE_FENCED') {
          this.sourceFenced = true;
          this.source = 'no';
        }
        break;
      case 'opened':
        break;
      default:
        happening satisfies never;
    }
  }

  finish(): CheckResult {
    return this.broke.result();
  }

  private issued(command: string, position: number): void {
    if (command === 'resumeVcpus') {
      if (this.startIssued) {
        this.broke.at(position, 'the source is told to run (resumeVcpus) after the destination was (startDestination)');
      }
      if (this.source === 'no') this.source = 'maybe';
    }
    if (command === 'startDestination') {
      if (this.source !== 'no') {
        const runs = this.source === 'yes' ? 'runs' : 'may run';
        this.broke.at(position, `the destination is told to run (startDestination) while the source ${runs}`);
      }
      this.startIssued = true;
      if (this.destination === 'no') this.destination = 'maybe';
    }
    if (command === 'quitDestination' && this.destination !== 'no') {
      const runs = this.destination === 'yes' ? 'runs' : 'may run';
      this.broke.at(position, `the destination is ended (quitDestination) while it ${runs} the guest`);
    }
  }

  /** What the destination says of itself; `starting` leaves it open, and what is gone cannot be told to run any more. */
  private told(state: string): void {
    if (state === 'gone') this.endDestination();
    else if (state === 'running') this.destination = 'yes';
    else if (state !== 'starting') this.destination = 'no';
  }

  private done(command: string, late: boolean): void {
    if (command === 'startDestination') this.destination = 'yes';
    if (command === 'quitDestination') this.endDestination();
    // A late answer says that it happened, not when: another order may have come after it.
    if (late) return;
    if (command === 'stopVcpus') this.source = 'no';
    if (command === 'resumeVcpus') this.source = 'yes';
  }

  private endDestination(): void {
    this.destination = 'no';
    this.startIssued = false;
  }

  private failed(command: string, errno: Errno): void {
    if (command === 'stopVcpus' || command === 'resumeVcpus') this.source = 'maybe';
    if (command === 'startDestination' && this.destination === 'maybe' && !INDEFINITE.includes(errno)) {
      this.destination = 'no';
    }
  }

  private ended(outcome: string, position: number): void {
    const { source, destination } = this;
    const who = `source: ${source}, destination: ${destination}`;
    if (outcome === 'in-doubt') return;
    if (outcome === 'completed') {
      if (source !== 'no' || destination !== 'yes') {
        this.broke.at(position, `ended completed, yet not the destination alone runs (${who})`);
      }
      return;
    }
    if (this.sourceFenced && destination === 'no') return;
    if (source !== 'yes' || destination !== 'no') {
      this.broke.at(position, `ended ${outcome}, yet not the source alone runs (${who})`);
    }
  }
}
