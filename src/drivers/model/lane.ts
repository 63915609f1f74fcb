/**
 * The migration stream is one: what is to be sent goes out one after the other, and all of it can be ended early. Only what
 * has connections of its own goes out beside it.
 */

/** Something that is being sent, from its begin to its answer. */
export interface Transmission {
  /** Calls `over` once, when it has been answered. */
  begin(over: () => void): void;
  /** Ends it where it can end: after what is on the wire now. Before `begin`: as soon as it begins. */
  stop(): void;
  /** Somebody is about to look, or to change something: what it has done ahead of time is as far as it has really come. */
  catchUp?(): void;
}

export class Lane {
  #current: Transmission | undefined;
  #waiting: Transmission[] = [];
  #whenIdle: (() => void)[] = [];
  #beside: Lane | undefined;

  /** Begins at once when nothing else is being sent. */
  add(transmission: Transmission): void {
    this.#waiting.push(transmission);
    if (this.#current === undefined) this.#next();
  }

  /** On connections of its own: one after the other among themselves. */
  addBeside(transmission: Transmission): void {
    this.#beside ??= new Lane();
    this.#beside.add(transmission);
  }

  /** Before anybody looks, or changes something. */
  catchUp(): void {
    this.#current?.catchUp?.();
    this.#beside?.catchUp();
  }

  /** Ends everything that is being sent or waits; `halted` is called after the last of them has been answered. */
  halt(halted: () => void): void {
    const beside = this.#beside;
    if (beside === undefined) this.#halt(halted);
    else this.#halt(() => beside.halt(halted));
  }

  #halt(halted: () => void): void {
    if (this.#current === undefined) {
      halted();
      return;
    }
    this.#whenIdle.push(halted);
    for (const waiting of this.#waiting) waiting.stop();
    this.#current.stop();
  }

  #next(): void {
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) {
      this.#current.begin(() => this.#next());
      return;
    }
    const idle = this.#whenIdle;
    this.#whenIdle = [];
    for (const halted of idle) halted();
  }
}
