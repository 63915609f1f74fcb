/**
 * A drain: one at a time it is single runs end to end, several at a time they share the link and no more than there is of it,
 * and the same seed is the same drain.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drain } from '../../../src/lab/drain/drain.ts';
import { drains } from '../../../src/lab/drain/drains.ts';
import { dirtiedPages, ordered } from '../../../src/lab/drain/order.ts';
import { type DrainPlan, type ORDERS, planOfVms, readDrain } from '../../../src/lab/drain/plan.ts';
import { drainSentence, drainText } from '../../../src/lab/drain/text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../../src/lab/shipped.ts';
import { inProcess } from '../../cli/switchover.ts';
import { nic0, type SmallScenario, smallScenario } from '../small-scenario.ts';

const idle = smallScenario({ devices: [], rest: { vm: { memory: '32MiB', vcpus: 1, workloads: [] } } });
/** Light enough to converge with a sixth of the link. */
const LIGHT = {
  devices: [nic0({ dma: { rate: '2MiB/s', ring: '2MiB', at: '32MiB' } } as Parameters<typeof nic0>[0])],
  rest: {
    vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '16MiB', rate: '500/s' }] },
    giveUpAfter: '60s',
  },
} as const satisfies SmallScenario;
const busy = smallScenario(LIGHT);
const textbook = smallScenario({ devices: [], vmm: { loop: 'textbook', policy: 'no-progress' } });
const capped = smallScenario({ ...LIGHT, vmm: { maxBandwidth: '100MiB/s' } });

const planOf = (...listed: readonly (readonly [string, Scenario, number])[]): DrainPlan =>
  planOfVms(
    'host',
    listed.map(([name, scenario, count]) => ({ name, scenario, count })),
    undefined,
  );
const MIXED = planOf(['idle', idle, 2], ['busy', busy, 2], ['textbook', textbook, 1], ['capped', capped, 1]);
const asListed = (plan: DrainPlan, atOnce: number, seed = 1) => drain(plan, { atOnce, order: 'as-listed', seed });

describe('one at a time', () => {
  test('is the sum of single runs, to the ns, each with its own report', () => {
    const single = MIXED.vms.map(({ scenario }, index) => {
      const { clock, ended } = rehearse({ ...scenario, seed: 1 + index });
      return { endNs: clock.nowNs, ended };
    });
    const drained = asListed(MIXED, 1);
    expect(drained.emptyMs).toBe(single.reduce((sum, { endNs }) => sum + endNs, 0) / 1e6);
    expect(
      drained.vms.map(({ totalMs, downtimeMs, bytes, rounds }) => ({ totalMs, downtimeMs, bytes, rounds })),
    ).toEqual(
      single.map(({ ended }) => ({
        totalMs: ended.totalMs,
        downtimeMs: ended.downtimeMs,
        bytes: ended.bytes.total,
        rounds: ended.rounds.length,
      })),
    );
    expect(drained.downtime.worstMs).toBe(Math.max(...single.map(({ ended }) => ended.downtimeMs ?? 0)));
  });
});

describe.each([2, 3, 6])('%i at a time', (atOnce) => {
  const drained = asListed(MIXED, atOnce);

  test('no window carries more than the link can, and all that was sent has gone over it', () => {
    const mostBytes = (drained.bytesPerSecond * drained.windowMs) / 1000;
    for (const bytes of drained.windowBytes) expect(bytes).toBeLessThanOrEqual(mostBytes + 1);
    const carried = drained.windowBytes.reduce((sum, bytes) => sum + bytes, 0);
    expect(Math.abs(carried - drained.bytes)).toBeLessThan(drained.windowBytes.length + 100);
  });

  test('as many as that are under way while there are so many, and the host becomes empty', () => {
    const begins = drained.vms.map(({ startedMs }) => startedMs);
    for (const atMs of begins) {
      const there = drained.vms.filter(({ startedMs, endedMs }) => startedMs <= atMs && atMs < endedMs);
      expect(there.length).toBeLessThanOrEqual(atOnce);
    }
    expect(begins.filter((ms) => ms === 0)).toHaveLength(atOnce);
    expect(drained.left).toEqual([]);
    expect(drained.emptyMs).toBe(Math.max(...drained.vms.map(({ endedMs }) => endedMs)));
  });

  test('the same seed is the same drain, and another is another', () => {
    const text = JSON.stringify(drained);
    expect(JSON.stringify(asListed(MIXED, atOnce))).toBe(text);
    expect(JSON.stringify(asListed(MIXED, atOnce, 100))).not.toBe(text);
  });
});

test('two that are alike take about twice as long together', () => {
  const [one, two] = [asListed(planOf(['busy', busy, 1]), 1), asListed(planOf(['busy', busy, 2]), 2)];
  const [alone, shared] = [one.vms[0], two.vms[0]];
  expect(shared?.totalMs).toBeGreaterThan(1.8 * (alone?.totalMs ?? 0));
});

test('one that does not converge stays, and the host is not empty', () => {
  const hovering = smallScenario({ vmm: { downtimeLimit: '15ms' }, rest: { giveUpAfter: '700ms' } });
  const drained = asListed(planOf(['hovering', hovering, 1], ['idle', idle, 1]), 2);
  expect(drained).toMatchObject({ left: ['hovering'], emptyMs: null });
  expect(
    drainText({
      ...drains(planOf(['idle', idle, 1]), { atOnce: 1, order: 'as-listed', seed: 1, seeds: 1 }),
      first: drained,
    }),
  ).toMatch(/the host is not empty after [\s\S]*1 of them stayed\s\(hovering\)/);
});

describe('downtime', () => {
  const doubt = planOf(['doubt', scenarios['fault-lost-start'], 1]);
  const once = { atOnce: 1, order: 'as-listed', seed: 1, seeds: 1 } as const;

  test('that is not known is not counted as none', () => {
    const { first, ...rest } = drains(doubt, once);
    expect(first.vms[0]).toMatchObject({ outcome: 'in-doubt', downtimeMs: null });
    expect(first.downtime).toEqual({ sumMs: 0, worstMs: 0, unknown: 1 });
    expect(rest).toMatchObject({ downtimeSumMs: null, downtimeWorstMs: null, downtimeUnknown: [1] });
    const text = drainText({ first, ...rest }).replace(/\s+/g, ' ');
    expect(text).toMatch(/^1 VM, 1 at a time/);
    expect(text).toContain('Downtime: not known.');
  });

  test('of some is told with how many those are', () => {
    const [first, other] = [drains(planOf(['idle', idle, 2]), once).first, drains(doubt, once).first];
    const some = { ...first, vms: [...first.vms, ...other.vms], downtime: { sumMs: 7, worstMs: 4, unknown: 1 } };
    expect(drainSentence(some)).toMatch(/^3 VMs, .* Downtime: 7 ms in all, 4 ms at worst, of 2 of 3 VMs\.$/);
  });

  test('of a guest that was never stopped is none', () => {
    const hovering = smallScenario({ vmm: { downtimeLimit: '15ms' }, rest: { giveUpAfter: '700ms' } });
    const drained = asListed(planOf(['hovering', hovering, 1]), 1);
    expect(drained.downtime).toEqual({ sumMs: 0, worstMs: 0, unknown: 0 });
  });

  test('over several seeds leaves out those with which it is not known', () => {
    const text = drainText(drains(doubt, { ...once, seeds: 2 }));
    expect(text).toMatch(/downtime in all +- +- +-\n/);
    expect(text).toContain('It is not known of some VM how long it stood with 2 of 2 seeds: 1, 2');
  });
});

test('orders', () => {
  const names = (order: (typeof ORDERS)[number]) => ordered(MIXED.vms, order).map(({ name }) => name);
  expect(names('as-listed')).toEqual(['idle-1', 'idle-2', 'busy-1', 'busy-2', 'textbook', 'capped']);
  expect(names('smallest-first').slice(0, 2)).toEqual(['idle-1', 'idle-2']);
  expect(names('largest-first').slice(-2)).toEqual(['idle-1', 'idle-2']);
  expect(names('least-dirty-first')).toEqual(['idle-1', 'idle-2', 'busy-1', 'busy-2', 'capped', 'textbook']);
  // 4096 pages, 4000 writes: 4096 (1 - e^(-4000/4096)) = 2554 of them.
  expect(Math.abs(dirtiedPages(textbook) - 2554)).toBeLessThan(100);
  // 4096 (1 - e^(-500/4096)) = 471, and 512 that the NIC writes in address order.
  expect(Math.abs(dirtiedPages(busy) - 983)).toBeLessThan(40);
  // Who writes often tells it late: 262144 (1 - e^(-400000/262144)) = 205151.
  const often = { memory: '2GiB', workloads: [{ kind: 'random', set: '1GiB', rate: '400k/s' }] } as const;
  const fast = smallScenario({ devices: [], rest: { vm: often } });
  expect(Math.abs(dirtiedPages(fast) - 205_151)).toBeLessThan(1500);
});

describe('a list', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchover-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const list = (text: string) => {
    const file = join(folder, 'host.yaml');
    writeFileSync(file, text);
    return file;
  };

  test('names scenarios with counts, and the link that they share', () => {
    const plan = readDrain(
      list('link: 25Gbit/s\nvms:\n  - { scenario: qemu-idle, count: 2 }\n  - { scenario: vgpu-10g }\n'),
    );
    expect(plan.vms.map(({ name }) => name)).toEqual(['qemu-idle-1', 'qemu-idle-2', 'vgpu-10g']);
    expect(plan.bytesPerSecond).toBe(25e9 / 8);
  });

  test.each([
    ['vms: []\n', /host\.yaml:1: vms: expected a list of VMs/],
    ['vms:\n  - { scenario: qemu-idle, count: 0 }\n', /host\.yaml:2: vms\[0\]\.count: expected a whole number from 1/],
    ['vms:\n  - qemu-idle\n', /host\.yaml:2: vms\[0\]: expected a mapping of scenario and count/],
    ['vms:\n  - { scenario: qemu-idle }\nlinks: 1\n', /host\.yaml:3: links: expected the keys vms and link only/],
    ['link: fast\nvms:\n  - { scenario: qemu-idle }\n', /host\.yaml:1: link: expected a bandwidth/],
    [
      'vms:\n  - { scenario: qemu-idle }\n  - { scenario: vgpu-10g }\n',
      /link: expected the bandwidth of the link that all share/,
    ],
    ['vms:\n  - { scenario: postcopy-busy-database }\n', /without vmm\.postcopy/],
    ['vms:\n  - { scenario: no-such }\n', /no-such: no such file/],
  ])('%#: a mistake is told with its place', (text, message) => {
    const file = list(text);
    expect(() => readDrain(file)).toThrow(ScenarioError);
    expect(() => readDrain(file)).toThrow(message);
  });

  test.each([10_001, 2 ** 53 - 1, 1e308])('of %d VMs is refused before they are made', (count) => {
    expect(() => planOf(['idle', idle, 1], ['busy', busy, count])).toThrow(/vms: expected at most 10000 VMs/);
    expect(() => readDrain('qemu-idle', { vms: count })).toThrow(/vms: expected at most 10000 VMs/);
  });

  test('on the command line', async () => {
    const text = await inProcess([
      'drain',
      'qemu-idle',
      '--vms',
      '3',
      '--at-once',
      '2',
      '--seeds',
      '2',
      '--order',
      'least-dirty-first',
    ]);
    expect(text.stderr).toBe('');
    expect(text.stdout).toMatch(/3 VMs, 2 at a time, least-dirty-first, over .*: the host is empty after/);
    expect(text.stdout).toMatch(/2 seeds/);
    const json = await inProcess(['drain', 'qemu-idle', '--vms', '2', '--policy', 'nova', '--json']);
    expect(JSON.parse(json.stdout).first.vms).toHaveLength(2);
    for (const line of text.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const slowed = await inProcess(['drain', 'qemu-idle', '--policy', 'nova+auto-converge']);
    expect(slowed).toMatchObject({ code: 0, stderr: '' });
    const wrong = await inProcess(['drain', 'qemu-idle', '--link', 'fast']);
    expect(wrong.stderr).toMatch(/--link: expected a bandwidth such as 25Gbit\/s, got "fast"/);
  });

  test.each([
    ['novva', /no policy "novva"; did you mean nova\?/],
    ['post-copy', /without vmm\.postcopy/],
    ['all', /no policy "all"/],
  ])('refuses the policy %s', async (policy, message) => {
    const { code, stdout, stderr } = await inProcess(['drain', 'qemu-idle', '--policy', policy]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
