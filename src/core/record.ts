/**
 * What a journal holds: records. Only inputs are truth; state and effects are recomputed from them by `step`.
 * Everything in a record is JSON, times are integer nanoseconds on the run's clock, addresses of memory are page numbers.
 */

/** A chart's place in the system: its kind, or kind and name: `migration`, `tracking/0`, `device/nic0`. */
export type Address = string;

/** Position of the record that caused it, and index among that record's effects. */
export type EffectId = `${number}:${number}`;

/** An event as it stands in a record. */
export interface RecordedEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Input {
  readonly to: Address;
  /**
   * `policy:<name>@<content hash>` is a verdict of a user's own function, recorded so that a replay never runs it. `import`:
   * what somebody else's log says was seen.
   */
  readonly by: 'operator' | 'driver' | 'timer' | 'import' | `policy:${string}`;
  readonly event: RecordedEvent;
  /** The effect that this input answers: a command's id, or a fired timer's. */
  readonly answers?: EffectId;
}

/** What opened a run. `plan` is the input of the root chart; `scenario` is what the plan was made from. */
export interface Opened {
  readonly run: string;
  readonly scenario: unknown;
  readonly plan: unknown;
  readonly seed: number;
  readonly drivers: readonly string[];
  readonly policies: readonly { readonly name: string; readonly version: string; readonly parameters: unknown }[];
  /** Hash of every chart's definition and of the package's version: another fingerprint may fold differently. */
  readonly fingerprint: string;
  readonly version: string;
  /** Of a run that goes on from another one's records; absent: it began by itself. */
  readonly origin?: Origin;
}

/** Where a branch left its parent: everything up to and with the record at `position` is the parent's. */
export interface Origin {
  readonly run: string;
  readonly position: number;
  /** ns on the run's clock: when what is different began. */
  readonly atNs: number;
  /** What was set, as it was written. */
  readonly changes: Readonly<Record<string, unknown>>;
}

/** `effects` is the CRC-32 of the effects that this record caused, as `checksumOfEffects` computes it. */
export type Rec =
  | {
      readonly position: 0;
      readonly atNs: number;
      readonly kind: 'opened';
      readonly opened: Opened;
      readonly effects: number;
    }
  | ({ readonly position: number; readonly atNs: number; readonly kind: 'input'; readonly effects: number } & Input);
