/** Post-copy in a scenario: what may be written, what it becomes, what is printed again, and what is refused with its place. */
import { describe, expect, test } from 'vitest';
import { modelSpecOf } from '../../../src/lab/model/spec.ts';
import { planOf } from '../../../src/lab/plan.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { printScenario } from '../../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';

const yaml = (vmm: string) => `name: a\nvm: { memory: 1GiB }\nvmm: { ${vmm} }\n`;
const read = (vmm: string) => parseScenario(yaml(vmm), 'a.yaml');
const NEVER = { afterRound: null, atNs: null, pauseAtNs: null, recoverAfterNs: null };

describe('what may be written', () => {
  test.each([
    ['postcopy: true', NEVER],
    ['postcopy: { after: 2 }', { ...NEVER, afterRound: 2 }],
    ['postcopy: { at: 2s }', { ...NEVER, atNs: 2e9 }],
    [
      'postcopy: { after: 1, pauseAt: 3s, recoverAfter: 50ms }',
      { ...NEVER, afterRound: 1, pauseAtNs: 3e9, recoverAfterNs: 5e7 },
    ],
  ])('%s', (vmm, postcopy) => {
    const scenario = read(vmm);
    expect(scenario.vmm.postcopy).toEqual(postcopy);
    expect(planOf(scenario).postCopy).toBe(true);
    expect(parseScenario(printScenario(scenario), 'b.yaml')).toEqual(scenario);
  });

  test('false and nothing are the same: the capability is off', () => {
    for (const vmm of ['postcopy: false', 'loop: qemu-10.2']) {
      expect(read(vmm).vmm).not.toHaveProperty('postcopy');
      expect(planOf(read(vmm))).not.toHaveProperty('postCopy');
    }
  });

  test('max-postcopy-bandwidth reaches the model, and no limit is none', () => {
    const scenario = read('postcopy: true, maxPostcopyBandwidth: 10MiB/s');
    expect(modelSpecOf(scenario).maxPostcopyBandwidthBytesPerSecond).toBe(10 * 2 ** 20);
    expect(parseScenario(printScenario(scenario), 'b.yaml')).toEqual(scenario);
    for (const none of ['unlimited', '0']) {
      expect(modelSpecOf(read(`maxPostcopyBandwidth: ${none}`))).not.toHaveProperty(
        'maxPostcopyBandwidthBytesPerSecond',
      );
    }
  });

  test('as an object in a program', () => {
    const scenario = scenarioFrom({ name: 'a', vm: { memory: '1GiB' }, vmm: { postcopy: { after: 1 } } });
    expect(scenario.vmm.postcopy).toEqual({ ...NEVER, afterRound: 1 });
  });
});

describe('what is refused', () => {
  test.each([
    ['postcopy: maybe', /^a\.yaml:3: vmm\.postcopy: /],
    ['postcopy: { after: 0 }', /^a\.yaml:3: vmm\.postcopy\.after: .*whole number from 1/],
    ['postcopy: { afer: 1 }', /^a\.yaml:3: vmm\.postcopy\.afer: unknown key; did you mean after\?/],
    ['postcopy: { at: 3 }', /^a\.yaml:3: vmm\.postcopy\.at: /],
    ['postcopy: { after: 1, at: 2s }', /^a\.yaml:3: vmm\.postcopy\.at: after says already when it starts/],
    ['postcopy: { at: 2s, pauseAt: 1s }', /^a\.yaml:3: vmm\.postcopy\.pauseAt: must come after it has started/],
  ])('%s', (vmm, message) => {
    let said = '';
    try {
      read(vmm);
    } catch (error) {
      expect(error).toBeInstanceOf(ScenarioError);
      said = (error as Error).message;
    }
    expect(said).toMatch(message);
  });
});
