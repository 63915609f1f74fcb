/**
 * Every millisecond of the downtime and every byte on the wire is accounted for once.
 *
 * The downtime is taken from the commands (from the order to stop the vCPUs until the destination answered that it runs),
 * its split from the announced phases; the two must come to the same, with every phase entered once and in order. The bytes
 * are those that the answers to sends told; where a send never answered, the wire may have carried more than was told, but
 * never less.
 */
import { type Checker, type CheckResult, FirstBreak, type ModelTruth } from './checker.ts';
import { type Happening, resultOf } from './happening.ts';

/** In the order in which they follow each other. Only a switchover that was asked to pauses; only a manager suspends. */
const PHASES = ['suspend', 'stop-vcpus', 'quiesce', 'pause', 'final-sync', 'memory', 'device-state', 'load', 'resume'];
const OPTIONAL = ['suspend', 'pause'];

type Seen<K extends Happening['kind']> = Extract<Happening, { kind: K }>;

export class Accounted implements Checker {
  readonly name = 'accounted';
  private readonly broke = new FirstBreak(this.name);
  private stopOrderedNs: number | undefined;
  private phases: { readonly phase: string; readonly atNs: number }[] = [];
  private toldBytes = 0;
  private lastSentAt: number | undefined;
  /** A send that was not answered with a success: how much it sent nobody said. */
  private untold = false;
  /** The sends without an answer yet that come after the last one answered: what they have sent nobody could say so far. */
  private underWay = 0;
  /** The same of device states that go out beside the stream, over connections of their own. */
  private besideUnderWay = 0;

  see(happening: Happening): void {
    switch (happening.kind) {
      case 'issued':
        if (happening.command.name === 'stopVcpus') this.stopOrderedNs ??= happening.atNs;
        if (happening.command.name === 'resumeVcpus') this.forgetDowntime();
        if (goesBeside(happening)) this.besideUnderWay += 1;
        else if (sends(happening.command.name)) this.underWay += 1;
        break;
      case 'done':
        // The stream is one, in order: what was begun before this send has had its answer, or will never have it.
        if (goesBeside(happening)) this.besideUnderWay = 0;
        else if (sends(happening.command.name)) this.underWay = 0;
        this.done(happening);
        break;
      case 'failed':
      case 'abandoned':
        if (sends(happening.command.name)) this.untold = true;
        break;
      case 'fact':
        if (happening.event.type === 'SWITCHOVER_PHASE_ENTERED') this.entered(happening, String(happening.event.phase));
        if (happening.event.type === 'GUEST_SUSPENDED') this.entered(happening, 'suspend');
        break;
      case 'opened':
      case 'told':
        break;
      default:
        happening satisfies never;
    }
  }

  finish({ wireBytes }: ModelTruth): CheckResult {
    const { name, toldBytes, lastSentAt } = this;
    const result = this.broke.result();
    if (!result.held || wireBytes === undefined) return result;
    const untold = this.untold || this.underWay + this.besideUnderWay > 0;
    if (toldBytes === wireBytes || (untold && toldBytes < wireBytes)) return result;
    const because = `${toldBytes} bytes were told as sent and ${wireBytes} went over the link`;
    return { name, held: false, because, ...(lastSentAt === undefined ? {} : { position: lastSentAt }) };
  }

  private entered({ atNs, position }: Seen<'fact'>, phase: string): void {
    const before = this.phases.at(-1);
    const follows = PHASES.indexOf(phase) > (before === undefined ? -1 : PHASES.indexOf(before.phase));
    if (!follows)
      this.broke.at(position, `phase ${phase} of the downtime is entered after ${before?.phase ?? 'nothing'}`);
    if (before !== undefined && atNs < before.atNs) {
      this.broke.at(position, `phase ${before.phase} of the downtime lasts ${atNs - before.atNs} ns`);
    }
    this.phases.push({ phase, atNs });
  }

  private done({ command, event, late, atNs, position }: Seen<'done'>): void {
    if (command.name === 'sendRound' || command.name === 'sendRemaining') {
      const { sentBytes, deviceBytes } = resultOf(event, command.name);
      this.toldBytes += sentBytes;
      this.lastSentAt = position;
      if (deviceBytes < 0 || deviceBytes > sentBytes) {
        this.broke.at(position, `${command.name} says that ${deviceBytes} of ${sentBytes} bytes were device state`);
      }
    }
    if (command.name === 'discardDirty' || command.name === 'sendMissing') {
      this.toldBytes += resultOf(event, command.name).sentBytes;
      this.lastSentAt = position;
    }
    if (command.name === 'sendDeviceState') {
      this.toldBytes += resultOf(event, 'sendDeviceState').sentBytes;
      this.lastSentAt = position;
    }
    if (command.name === 'startDestination' && !late) this.downtimeEnded(atNs, position);
  }

  private downtimeEnded(atNs: number, position: number): void {
    const missing = PHASES.filter(
      (phase) => !OPTIONAL.includes(phase) && !this.phases.some((entered) => entered.phase === phase),
    );
    if (missing.length > 0) {
      this.broke.at(position, `the downtime is over and no time is accounted to ${missing.join(', ')}`);
      return;
    }
    const parts = this.phases.map((phase, index) => (this.phases[index + 1]?.atNs ?? atNs) - phase.atNs);
    const splitNs = parts.reduce((total, part) => total + part, 0);
    const downtimeNs = this.stopOrderedNs === undefined ? undefined : atNs - this.stopOrderedNs;
    if (downtimeNs !== splitNs) {
      this.broke.at(position, `the phases sum to ${splitNs} ns of a downtime of ${downtimeNs ?? 'unknown'} ns`);
    }
  }

  private forgetDowntime(): void {
    this.stopOrderedNs = undefined;
    this.phases = [];
  }
}

const SENDS = ['sendRound', 'sendRemaining', 'sendDeviceState', 'discardDirty', 'sendMissing'];

function goesBeside({ command }: Seen<'issued' | 'done'>): boolean {
  return command.name === 'sendDeviceState' && command.params.beside !== undefined;
}

function sends(command: string): boolean {
  return SENDS.includes(command);
}
