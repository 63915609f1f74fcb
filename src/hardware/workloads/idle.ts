/** A vCPU that writes nothing. It exists so that a scenario can say so. */
import type { Writer } from './writer.ts';

export class Idle implements Writer {
  readonly tellsLate = true;

  advance(): void {}
}
