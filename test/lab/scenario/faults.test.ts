/** `faults`: what a person may write, what it becomes, and what is refused with which words. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import { errnosOf } from '../../../src/drivers/errnos.ts';
import { withScenarioFaults } from '../../../src/lab/model/faults.ts';
import { prepareRun } from '../../../src/lab/prepare.ts';
import { printScenario } from '../../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { nic0, nic1, smallInput, smallScenario } from '../small-scenario.ts';

type FaultInput = NonNullable<ScenarioInput['faults']>[number];

const withFaults = (faults: readonly FaultInput[]) => scenarioFrom(smallInput({ rest: { faults } }));

describe('a fault becomes', () => {
  test.each<[FaultInput, object]>([
    [
      { command: 'sendRound', fails: 'EIO' },
      { command: 'sendRound', nth: 1, fails: 'EIO' },
    ],
    [
      { command: 'reportDirty', of: 'nic0', nth: 3, fails: 'EIO', done: true },
      { command: 'reportDirty', of: 'nic0', nth: 3, fails: 'EIO', done: true },
    ],
    [
      { command: 'setDeviceState', of: 'destination/nic1', fails: 'EIO', restsIn: 'STOP' },
      { command: 'setDeviceState', of: 'destination/nic1', nth: 1, fails: 'EIO', restsIn: 'STOP' },
    ],
    [
      { command: 'stopVcpus', hangs: true },
      { command: 'stopVcpus', nth: 1, hangs: true },
    ],
    [
      { command: 'stopVcpus', silent: true },
      { command: 'stopVcpus', nth: 1, silent: true },
    ],
    [
      { command: 'stopVcpus', twice: true },
      { command: 'stopVcpus', nth: 1, twice: true },
    ],
    [
      { command: 'stopVcpus', slowBy: '45s' },
      { command: 'stopVcpus', nth: 1, slowByNs: 45e9 },
    ],
    [
      { at: '2s', happens: 'guest-reset', device: 'nic0' },
      { when: { atNs: 2e9 }, event: { happens: 'guest-reset', device: 'nic0' } },
    ],
    [
      { after: 'sendRound', nth: 2, happens: 'initial-bytes-again', device: 'nic0', bytes: '1MiB' },
      {
        when: { after: 'sendRound', nth: 2 },
        event: { happens: 'initial-bytes-again', device: 'nic0', bytes: 2 ** 20 },
      },
    ],
    [
      { at: 0, happens: 'link-down' },
      { when: { atNs: 0 }, event: { happens: 'link-down', forNs: null } },
    ],
    [
      { at: '1s', happens: 'link-slow', percent: '10%', for: '5s' },
      { when: { atNs: 1e9 }, event: { happens: 'link-slow', percent: 10, forNs: 5e9 } },
    ],
    [
      { after: 'sendRemaining', happens: 'destination-dies', silent: true },
      { when: { after: 'sendRemaining', nth: 1 }, event: { happens: 'destination-dies', silent: true } },
    ],
    [
      { at: '1s', happens: 'source-dies' },
      { when: { atNs: 1e9 }, event: { happens: 'source-dies' } },
    ],
  ])('%j', (input, fault) => {
    expect(withFaults([input]).faults).toEqual([fault]);
  });

  test('nothing where there is none, so that such a scenario is what it was', () => {
    expect(Object.hasOwn(smallScenario(), 'faults')).toBe(false);
    expect(Object.hasOwn(withFaults([]), 'faults')).toBe(false);
  });
});

describe('is refused', () => {
  const HOW = 'one of fails, hangs, silent, slowBy, twice beside command';
  test.each<[string, RegExp]>([
    ['{ command: sendRound }', new RegExp(`faults\\[0\\]: expected ${HOW} such as`)],
    ['{ command: sendRound, fails: EIO, hangs: true }', new RegExp(`expected ${HOW}.*it has fails and hangs`)],
    ['{ command: sendRounds, hangs: true }', /faults\[0\]\.command: .*did you mean sendRound\?/],
    ['{ command: sendRound, fails: EIOO }', /faults\[0\]\.fails: .*did you mean EIO\?/],
    ['{ command: sendRound, hangs: false }', /faults\[0\]\.hangs: expected true, got false/],
    ['{ command: sendRound, nth: 0, hangs: true }', /faults\[0\]\.nth: expected a whole number from 1/],
    ['{ command: sendRound, hangs: true, device: nic0 }', /device has no meaning here/],
    ['{ command: sendRound, hangs: true, done: true }', /expected fails beside done or restsIn/],
    [
      '{ command: stopVcpus, fails: EIO, restsIn: STOP }',
      /expected restsIn of setDeviceState alone.*stopVcpus moves no device/,
    ],
    ['{ command: setDeviceState, fails: EIO, restsIn: STOP, done: true }', /expected done or restsIn, and not both/],
    ['{ colour: red }', /faults\[0\]\.colour: unknown key/],
    ['{ at: 1s }', /expected a command that goes wrong, or what happens such as/],
    ['{ happens: source-dies }', /expected at or after beside happens/],
    ['{ at: 1s, after: sendRound, happens: source-dies }', /expected at or after beside happens.*it has both/],
    ['{ at: 1s, nth: 2, happens: source-dies }', /expected nth beside after/],
    ['{ at: 1s, happens: guest-reset }', /expected device beside guest-reset/],
    ['{ at: 1s, happens: link-down, device: nic0 }', /device has no meaning here/],
    ['{ at: 1s, happens: link-dawn }', /did you mean link-down\?/],
    // What the scenario has not.
    [
      '{ command: setDeviceState, of: nic7, hangs: true }',
      /faults\[0\]\.of: setDeviceState is never about nic7; there is nic0, nic1, destination\/nic0, destination\/nic1/,
    ],
    [
      '{ command: sendDeviceState, of: destination/nic0, hangs: true }',
      /never about destination\/nic0; there is nic0, nic1$/m,
    ],
    ['{ command: stopVcpus, of: nic0, hangs: true }', /faults\[0\]\.of: stopVcpus is about no device/],
    [
      '{ command: stopVcpus, fails: E2BIG }',
      /faults\[0\]\.fails: stopVcpus never fails with E2BIG; it may with ENOSPC, EIO/,
    ],
    [
      '{ command: setDeviceState, of: nic0, fails: EIO, restsIn: RESUMING }',
      /restsIn: nic0 never passes RESUMING; it may rest in ERROR, STOP,/,
    ],
    [
      '{ command: setDeviceState, of: destination/nic0, fails: EIO, restsIn: PRE_COPY }',
      /never passes PRE_COPY; it may rest in/,
    ],
    ['{ at: 1s, happens: guest-reset, device: nic7 }', /faults\[0\]\.device: no device is nic7; there is nic0, nic1/],
    ['{ at: 1s, happens: initial-bytes-again, device: nic0, bytes: 0 }', /bytes: must be larger than 0/],
    ['{ at: 1s, happens: link-slow, percent: 0% }', /percent: must be more than 0%/],
    ['{ at: 1s, happens: link-down, for: 0 }', /for: must be longer than 0/],
  ])('%s', (text, message) => {
    const device = (id: string) =>
      `{ id: ${id}, kind: nic, features: [stop-copy, p2p, pre-copy], dma: { rate: 1MiB/s, ring: 1MiB, at: 1MiB }, state: { stopCopy: 1MiB } }`;
    const devices = `[${device('nic0')}, ${device('nic1')}]`;
    const scenario = `name: a\nvm: { memory: 64MiB }\ncontainers:\n  - { iommu: { kind: none }, devices: ${devices} }\nfaults:\n  - ${text}\n`;
    expect(() => parseScenario(scenario, 'a.yaml')).toThrow(message);
    expect(() => parseScenario(scenario, 'a.yaml')).toThrow(/^a\.yaml:6: /);
  });

  test('a rest in a state that no device here has, and new initial data of one without pre-copy', () => {
    const plain = nic0({ features: ['stop-copy'] } as object);
    const refused = (fault: FaultInput) => () =>
      scenarioFrom(smallInput({ devices: [plain], rest: { faults: [fault] } }));
    expect(refused({ command: 'setDeviceState', fails: 'EIO', restsIn: 'RUNNING_P2P' })).toThrow(
      /no device of this scenario passes RUNNING_P2P; it may rest in ERROR, STOP, RUNNING, STOP_COPY or RESUMING/,
    );
    expect(refused({ at: 0, happens: 'initial-bytes-again', device: 'nic0', bytes: '1KiB' })).toThrow(
      /nic0 has no pre-copy/,
    );
  });
});

const nth = fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined });
const anyCommand = fc.constantFrom(...(Object.keys(COMMANDS) as CommandName[]));
const some = (keys: object) => Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
const duration = fc.integer({ min: 1, max: 1e12 }).map((ns) => `${ns}ns`);
const fault = fc.oneof(
  fc
    .record({ command: anyCommand, nth, which: fc.nat(), done: fc.constantFrom(true, undefined) })
    .map(({ command, nth: n, which, done }) => {
      const errnos = errnosOf(command);
      return some({ command, nth: n, fails: errnos[which % errnos.length], done });
    }),
  fc
    .record({ command: anyCommand, nth, how: fc.constantFrom('hangs', 'silent', 'twice') })
    .map(({ how, ...which }) => some({ ...which, [how]: true })),
  fc.record({ command: anyCommand, nth, slowBy: duration }).map(some),
  fc
    .record({
      at: duration,
      happens: fc.constantFrom('link-down', 'link-slow'),
      for: fc.option(duration, { nil: undefined }),
    })
    .map((event) => some({ ...event, percent: event.happens === 'link-slow' ? '12.5%' : undefined })),
  fc.record({ after: anyCommand, nth, happens: fc.constantFrom('source-dies', 'destination-dies') }).map(some),
) as fc.Arbitrary<FaultInput>;

test('what is printed reads back as the same faults', () => {
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 4 }), (faults) => {
      const scenario = withFaults(faults);
      expect(parseScenario(printScenario(scenario), 'printed.yaml')).toEqual(scenario);
    }),
    { numRuns: 60 },
  );
});

test('faults that only a model can have are refused for another driver', () => {
  const scenario = withFaults([{ at: 0, happens: 'source-dies' }]);
  const clock = new VirtualClock();
  const { driver } = prepareRun(smallScenario({ devices: [nic0(), nic1()] }), { clock });
  const { mishaps: _, ...real } = driver;
  expect(() => withScenarioFaults(real, scenario, clock)).toThrow(RangeError);
  driver.close();
});
