/**
 * Post-copy as whole runs over the model: what a report says of it, no write lost whatever is paused or fails, the orders of an
 * operator in a program and in a scenario, and a fault at every command and a cancel at every record, each alone.
 */
import * as fc from 'fast-check';
import { migrate } from 'switchover';
import { describe, expect, test } from 'vitest';
import type { CommandName, Errno } from '../../machines/words.ts';
import type { RunClock } from '../../src/clock/clock.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { type PreparedRun, prepareRun } from '../../src/lab/prepare.ts';
import { cancelsIn, rehearse } from '../../src/lab/rehearse.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

/** 32 MiB, two vCPUs that write faster than the link carries: pre-copy alone would not end. */
function input(vmm: object = {}, more: Partial<ScenarioInput> = {}): ScenarioInput {
  return {
    name: 'post-copy',
    vm: {
      memory: '32MiB',
      vcpus: 2,
      workloads: [
        { kind: 'random', vcpus: '0', set: '16MiB', rate: '50k/s' },
        { kind: 'random', vcpus: '1', set: '8MiB', at: '20MiB', rate: '20k/s' },
      ],
    },
    link: { bandwidth: '1Gbit/s', latency: '100us' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '10ms', maxBandwidth: 'unlimited', postcopy: { after: 1 }, ...vmm },
    giveUpAfter: '30s',
    checks: { truth: 'both' },
    ...more,
  } as ScenarioInput;
}
const scenario = (vmm: object = {}, more: Partial<ScenarioInput> = {}) => scenarioFrom(input(vmm, more));
const broken = (report: Report) => report.checks.filter(({ held }) => !held);
const statuses = (report: Report) => report.status.map(({ status }) => status).join(' ');

describe('a run that goes on as post-copy', () => {
  const report = rehearse(scenario()).ended;
  const postcopy = report.postcopy!;

  test('completes where pre-copy does not, and no check is broken', () => {
    expect(report.outcome).toBe('completed');
    expect(broken(report)).toEqual([]);
    expect(report.checks.find(({ name }) => name === 'no-lost-write')).toEqual({ name: 'no-lost-write', held: true });
    expect(statuses(report)).toBe('none setup active device postcopy-device postcopy-active completed');
    const without = rehearse(scenario({ postcopy: true })).ended;
    expect(without).toMatchObject({ outcome: 'unconverged' });
    expect(without).not.toHaveProperty('postcopy');
  });

  test('every missing page is sent once: what was asked for and what was pushed', () => {
    expect(postcopy.missingPages).toBeGreaterThan(1000);
    expect(postcopy.requestedPages).toBeGreaterThan(10);
    expect(postcopy.requestedPages + postcopy.pushedPages).toBe(postcopy.missingPages);
    expect(postcopy.sentBytes).toBe(postcopy.missingPages * (4096 + 8));
    expect(postcopy).toMatchObject({ leftPages: 0, pauses: 0, pauseMs: 0 });
  });

  test('its times add up', () => {
    // 125 MB/s: as long as the bytes take, and the last ones' way there and back.
    const wireMs = postcopy.sentBytes / 125_000;
    expect(postcopy.durationMs).toBeGreaterThan(wireMs);
    expect(postcopy.durationMs).toBeLessThan(wireMs + 1);
    expect(report.totalMs).toBeCloseTo(postcopy.startMs + postcopy.durationMs, 6);
    expect(report.downtimeMs).toBeLessThan(10);
    const waits = Object.values(postcopy.blocktimeMs!);
    expect(waits).toHaveLength(2);
    for (const ms of waits) expect(ms).toBeLessThanOrEqual(postcopy.durationMs);
    expect(report.guest.stalledMs.missingPages).toBeCloseTo((waits[0]! + waits[1]!) / 2, 3);
    // Each wait is a way there and back at least.
    expect(waits[0]! + waits[1]!).toBeGreaterThan(postcopy.requestedPages * 0.2 * 0.9);
  });

  test('the sentence says what it cost the guest', () => {
    expect(report.sentence).toContain('It went on as post-copy for');
    expect(report.sentence).toContain(`${postcopy.missingPages.toLocaleString('en')} pages were missing`);
  });

  test('the same seed gives the same report, another one another', () => {
    expect(rehearse(scenario()).ended).toEqual(report);
    expect(rehearse({ ...scenario(), seed: 2 }).ended.postcopy).not.toEqual(postcopy);
  });
});

test('a page of zeros travels as a marker, here as well', () => {
  const idle = { memory: '32MiB', nonZero: '8MiB', vcpus: 1, workloads: [{ kind: 'idle' }] } as const;
  const report = rehearse(scenario({ postcopy: { at: '1ms' } }, { vm: idle })).ended;
  expect(report.outcome).toBe('completed');
  expect(report.bytes).toMatchObject({ normalPages: 2048, zeroPages: 6144 });
  expect(broken(report)).toEqual([]);
});

test('max-postcopy-bandwidth slows down what is pushed and not what is asked for', () => {
  const free = rehearse(scenario()).ended;
  const capped = rehearse(scenario({ maxPostcopyBandwidth: '20MiB/s' })).ended;
  expect(capped.outcome).toBe('completed');
  expect(capped.postcopy!.durationMs).toBeGreaterThan(2 * free.postcopy!.durationMs);
  expect(capped.postcopy!.requestedPages).toBeGreaterThan(free.postcopy!.requestedPages);
  const meanWaitMs = ({ postcopy }: Report) => Object.values(postcopy!.blocktimeMs!)[0]! / postcopy!.requestedPages;
  expect(meanWaitMs(capped)).toBeLessThan(2 * meanWaitMs(free));
  expect(broken(capped)).toEqual([]);
});

test('a downtime as short as that of a guest that writes nothing: it does not depend on what is missing', () => {
  const more = rehearse(scenario({ postcopy: { at: '1ms' } })).ended;
  const less = rehearse(scenario({ postcopy: { after: 1 } })).ended;
  expect(more.postcopy!.missingPages).toBeGreaterThan(less.postcopy!.missingPages);
  expect(Math.abs(more.downtimeMs! - less.downtimeMs!)).toBeLessThan(1);
});

describe('a pause', () => {
  const pausing = scenario({ postcopy: { after: 1, pauseAt: '330ms', recoverAfter: '200ms' } });

  test('by an operator: nothing is lost, and what was on the wire goes again', () => {
    const report = rehearse(pausing).ended;
    expect(report.outcome).toBe('completed');
    expect(statuses(report)).toContain(
      'postcopy-paused postcopy-recover-setup postcopy-recover postcopy-active completed',
    );
    expect(report.postcopy).toMatchObject({ pauses: 1, leftPages: 0 });
    expect(report.postcopy!.pauseMs).toBeGreaterThanOrEqual(200);
    const { requestedPages, pushedPages, missingPages } = report.postcopy!;
    expect(requestedPages + pushedPages).toBeGreaterThan(missingPages);
    expect(broken(report)).toEqual([]);
    // Both vCPUs have touched something that is not there and waited for the rest of the pause.
    for (const ms of Object.values(report.postcopy!.blocktimeMs!)) expect(ms).toBeGreaterThan(150);
  });

  test('that nobody ends: in doubt, with what is missing and where', () => {
    const report = rehearse(scenario({ postcopy: { after: 1, pauseAt: '330ms' } })).ended;
    expect(report.outcome).toBe('in-doubt');
    expect(report.sentence).toContain('not recovered in 30 s');
    expect(report.postcopy!.leftPages).toBeGreaterThan(0);
    expect(broken(report)).toEqual([]);
  });

  test('by a send that failed, as often as it does', () => {
    const faults = [1, 2, 3].map((nth) => ({ command: 'sendMissing', nth, fails: 'ECONNRESET' }) as const);
    const report = rehearse(scenario({ postcopy: { after: 1, recoverAfter: '10ms' } }, { faults } as never)).ended;
    expect(report.outcome).toBe('completed');
    expect(report.postcopy).toMatchObject({ pauses: 3, leftPages: 0 });
    expect(broken(report)).toEqual([]);
  });
});

describe('an outage of the link', () => {
  const outage = (at: string, vmm: object = {}, length = '700ms') =>
    run(
      scenario({ postcopy: { after: 1, recoverAfter: '20ms' }, ...vmm }, {
        faults: [{ at, happens: 'link-down', for: length }],
      } as never),
    );

  test.each([
    ['in the middle', '340ms', {}],
    ['while a push waits for its cap', '400ms', { maxPostcopyBandwidth: '20MiB/s' }],
    ['with an operator who does not wait', '340ms', { postcopy: { after: 1, pauseAt: '500ms', recoverAfter: '20ms' } }],
  ])('%s: late, and nothing is lost', (_, at, vmm) => {
    const report = outage(at, vmm);
    expect(report.outcome, report.sentence).toBe('completed');
    expect(report.postcopy!.durationMs).toBeGreaterThan(700);
    expect(broken(report)).toEqual([]);
  });

  test('at any time, the last acknowledgement included', () => {
    const { postcopy } = rehearse(scenario()).ended;
    for (let part = 0; part <= 20; part++) {
      const atMs = postcopy!.startMs + (postcopy!.durationMs * part) / 20;
      const report = outage(`${Math.floor(atMs * 1e6)}ns`, {}, '50ms');
      expect(report.outcome, report.sentence).toBe('completed');
      expect(broken(report), `at ${atMs} ms`).toEqual([]);
    }
  });
});

test.each(['destination-dies', 'source-dies'])(
  '%s: the guest is lost, and nobody says that it runs somewhere else',
  (happens) => {
    const report = run(scenario({}, { faults: [{ at: '320ms', happens }] } as never));
    expect(report.outcome).toBe('in-doubt');
    expect(report.sentence).toContain('fencing either one loses the guest');
    expect(broken(report)).toEqual([]);
  },
);

describe('a bug in the order of things is found', () => {
  const bent =
    (skips: CommandName) =>
    (of: Scenario, clock: RunClock): Driver => {
      const model = createModelDriver(modelSpecOf(of), clock);
      return {
        ...model,
        perform(command, answer) {
          if (command.name !== skips) return model.perform(command, answer);
          clock.at(clock.nowNs, () => answer({ type: 'DONE.discardDirty', missingPages: 0, sentBytes: 0 }));
        },
      };
    };

  test('a destination that was not told to drop old pages runs on them', () => {
    const report = run(scenario(), { driver: bent('discardDirty') });
    expect(broken(report).map(({ name }) => name)).toContain('no-lost-write');
  });
});

test('with VFIO devices it is blocked before anything starts, by name', () => {
  const state = { stopCopy: '1MiB' } as const;
  const devices = [
    {
      id: 'nic0',
      kind: 'nic',
      features: ['stop-copy'],
      dmaLogging: true,
      state,
      dma: { rate: '1MiB/s', ring: '1MiB' },
    },
  ];
  const containers = [{ iommu: { kind: 'iommufd' }, devices }] as unknown as ScenarioInput['containers'];
  const report = rehearse(scenario({}, { containers })).ended;
  expect(report.outcome).toBe('blocked');
  expect(report.reason).toContain('postcopy-ram and VFIO devices exclude each other');
  expect(report.reason).toContain('nic0');
});

describe('a program', () => {
  test('orders it, pauses it and recovers it, and the journal re-runs', async () => {
    const journal = new MemoryJournal();
    const of = scenario({ postcopy: true });
    const migration = migrate(of, { journal });
    const said: string[] = [];
    const once = (order: string, give: () => void) => {
      if (said.includes(order)) return;
      said.push(order);
      give();
    };
    migration.rounds$.subscribe(() => once('start', () => migration.startPostcopy()));
    migration.records$.subscribe(({ effects }) => {
      for (const effect of effects) {
        if (effect.kind !== 'fact' || effect.event.type !== 'STATUS_CHANGED') continue;
        if (effect.event.status === 'postcopy-active') once('pause', () => migration.pause());
        if (effect.event.status === 'postcopy-paused') once('recover', () => migration.recover());
      }
    });
    const report = await migration.report;
    expect(report.outcome).toBe('completed');
    expect(report.postcopy).toMatchObject({ pauses: 1, leftPages: 0 });
    expect(broken(report)).toEqual([]);
    const records = [...journal.read(migration.run)];
    const again = rehearse(of, { cancels: cancelsIn(records, of) });
    expect([...again.journal.read(again.opened.run)]).toEqual(records);
  });

  test('is warned when the capability is off', async () => {
    const { postcopy: _, ...vmm } = input().vmm as Record<string, unknown>;
    const migration = migrate({ ...input(), vmm, giveUpAfter: '1s' } as ScenarioInput);
    migration.rounds$.subscribe(({ round }) => round === 1 && migration.startPostcopy());
    const report = await migration.report;
    expect(report.outcome).toBe('unconverged');
    expect(report.warnings.join()).toContain('postcopy-ram is off');
  });
});

function run(
  of: Scenario,
  options: Parameters<typeof prepareRun>[1] = {},
  on?: (prepared: PreparedRun, position: number) => void,
) {
  const clock = new VirtualClock();
  const prepared = prepareRun(of, { strict: true, ...options, clock });
  prepared.runner.recorded$.subscribe({ next: ({ record }) => on?.(prepared, record.position), error: () => {} });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  expect(prepared.runner.ended).toBe(true);
  prepared.driver.close();
  return prepared.report();
}

describe('one disturbance at every point', () => {
  const small = scenario(
    { postcopy: { after: 1, recoverAfter: '5ms' }, downtimeLimit: '5ms' },
    {
      vm: { memory: '8MiB', vcpus: 1, workloads: [{ kind: 'random', set: '4MiB', rate: '100k/s' }] },
      giveUpAfter: '5000s',
    },
  );
  const commands: CommandName[] = [];
  let records = 0;
  const plain = run(small, {}, ({ runner }, position) => {
    records = position;
    for (const { name } of runner.system?.pending.values() ?? []) if (commands.at(-1) !== name) commands.push(name);
  });

  test('undisturbed, it completes', () => {
    expect(plain.outcome).toBe('completed');
    expect(broken(plain)).toEqual([]);
    expect(commands).toContain('sendMissing');
  });

  test('a cancel at every record ends legally, all checks held', () => {
    const outcomes = new Set<string>();
    for (let position = 1; position < records; position++) {
      const report = run(small, {}, (prepared, at) => at === position && prepared.cancel());
      expect(broken(report), `at ${position}: ${report.sentence}`).toEqual([]);
      expect(['completed', 'cancelled'], report.sentence).toContain(report.outcome);
      outcomes.add(report.outcome);
    }
    expect([...outcomes].sort()).toEqual(['cancelled', 'completed']);
  });

  const kinds = [
    { fails: 'EIO' as Errno },
    { fails: 'EIO' as Errno, done: true },
    { hangs: true },
    { silent: true },
    { twice: true },
  ] as const;
  test.each(kinds)('%o at every command ends legally, all checks held', (kind) => {
    const names = [...new Set(commands)];
    for (const command of names) {
      const report = run({
        ...small,
        ...scenario({}, { faults: [{ command, nth: 1, ...kind }] } as never),
        ...pick(small),
      });
      expect(broken(report), `${command}: ${report.sentence}`).toEqual([]);
      expect(report.sentence).not.toContain('Has not ended');
    }
  });

  function pick({ vm, vmm, giveUpAfterNs }: Scenario) {
    return { vm, vmm, giveUpAfterNs };
  }
});

test('law: whatever the guest, the link and the pauses, everything arrives once and every check holds', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        loop: fc.constantFrom('qemu-7.2', 'qemu-9.2', 'qemu-10.2', 'qemu-11.1', 'textbook'),
        bandwidth: fc.constantFrom('300Mbit/s', '1Gbit/s', '10Gbit/s'),
        latency: fc.constantFrom('0us', '50us', '2ms'),
        kind: fc.constantFrom('random', 'cycle', 'sequential'),
        rate: fc.constantFrom('1k/s', '20k/s', '200k/s'),
        start: fc.constantFrom({ after: 1 }, { after: 2 }, { at: '1ms' }, { at: '40ms' }),
        pause: fc.constantFrom({}, { pauseAt: '60ms', recoverAfter: '7ms' }, { pauseAt: '90ms', recoverAfter: '30ms' }),
        cap: fc.constantFrom({}, { maxPostcopyBandwidth: '10MiB/s' }),
        hostWriters: fc.constantFrom(
          {},
          { hostWriters: [{ id: 'vhost', kind: 'cycle', set: '1MiB', at: '6MiB', rate: '2k/s' }] },
        ),
        pauseBeforeSwitchover: fc.boolean(),
      }),
      ({ seed, loop, bandwidth, latency, kind, rate, start, pause, cap, hostWriters, pauseBeforeSwitchover }) => {
        const vm = {
          memory: '8MiB',
          nonZero: '6MiB',
          vcpus: 2,
          workloads: [{ kind, vcpus: '0-1', set: '4MiB', rate }],
          ...hostWriters,
        };
        const of = scenarioFrom({
          ...input({ loop, postcopy: { ...start, ...pause }, downtimeLimit: '1ms', pauseBeforeSwitchover, ...cap }),
          vm,
          link: { bandwidth, latency },
          seed,
        } as ScenarioInput);
        const report = run(of);
        expect(broken(report), report.sentence).toEqual([]);
        expect(report.outcome, report.sentence).toBe('completed');
        if (report.postcopy === undefined) return;
        expect(report.postcopy.leftPages).toBe(0);
        const sent = report.postcopy.requestedPages + report.postcopy.pushedPages;
        expect(sent).toBeGreaterThanOrEqual(report.postcopy.missingPages);
        if (report.postcopy.pauses === 0) expect(sent).toBe(report.postcopy.missingPages);
      },
    ),
    { numRuns: 60, seed: 4 },
  );
});
