import fc from 'fast-check';
import type { EffectId, Input, Opened, Rec } from '../../src/core/record.ts';

/** The first record of a run. */
export function openedRecord(run: string, more: Partial<Opened> = {}): Rec {
  const opened: Opened = {
    run,
    scenario: { name: `scenario of ${run}`, vm: { memory: '16GiB' } },
    plan: { devices: ['nic0', 'nic1'] },
    seed: 7,
    drivers: ['model'],
    policies: [{ name: 'kubevirt-stall', version: '1', parameters: { stallSeconds: 150 } }],
    fingerprint: 'f00d',
    version: '0.1.0',
    ...more,
  };
  return { position: 0, atNs: 0, kind: 'opened', opened, effects: 0xffffffff };
}

export function inputRecord(position: number, more: Partial<Input> = {}): Rec {
  const event = {
    type: 'DONE.syncBitmap',
    remainingPages: position * 3,
    dirtyPagesBySource: { 'vcpu:0': 1, 'dma:nic0': 2 },
  };
  return {
    position,
    atNs: position * 1_000_000,
    kind: 'input',
    to: 'pre-copy',
    by: 'driver',
    event,
    effects: position,
    ...more,
  };
}

/** A whole run of so many records. */
export function runOf(run: string, records: number): Rec[] {
  return Array.from({ length: records }, (_, position) => (position === 0 ? openedRecord(run) : inputRecord(position)));
}

/** Positions `from` to `to - 1` of the same run. */
export function partOf(run: string, from: number, to: number): Rec[] {
  return runOf(run, to).slice(from);
}

/** JSON as a journal keeps it; -0 is 0. */
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const uint32 = fc.nat(0xffffffff);

const input: fc.Arbitrary<Input & { atNs: number; effects: number }> = fc
  .record({
    to: name,
    by: fc.oneof(
      fc.constantFrom('operator' as const, 'driver' as const, 'timer' as const),
      name.map((policy) => `policy:${policy}@1f` as const),
    ),
    event: fc
      .tuple(fc.dictionary(name, json, { maxKeys: 4, noNullPrototype: true }), name)
      .map(([data, type]) => ({ ...data, type })),
    answers: fc.option(
      fc.tuple(fc.nat(), fc.nat(9)).map(([position, index]): EffectId => `${position}:${index}`),
      { nil: undefined },
    ),
    atNs: fc.maxSafeNat(),
    effects: uint32,
  })
  .map(({ answers, ...rest }) => (answers === undefined ? rest : { ...rest, answers }));

/** A run with any content that a record may have. */
export const anyRun = fc
  .tuple(fc.array(input, { maxLength: 8 }), json, fc.array(name, { maxLength: 3 }), fc.maxSafeInteger())
  .map(([inputs, scenario, drivers, seed]): Rec[] => [
    openedRecord('r', { scenario, drivers, seed }),
    ...inputs.map((rest, index): Rec => ({ position: index + 1, kind: 'input', ...rest })),
  ]);
