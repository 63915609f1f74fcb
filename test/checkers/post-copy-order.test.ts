/**
 * What the checkers hold against a post-copy: the discard before anything is given away, nothing sent before the guest runs
 * there, every byte told, and a page that arrived over what the guest had written. Mistakes planted in a sound run.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Recorded } from '../../src/run/runner.ts';
import {
  answeredAt,
  check,
  editAnswer,
  editCommand,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  moveCommand,
  type Run,
} from './planted.ts';

const recorded: Recorded[] = [];
const clock = new VirtualClock();
const prepared = prepareRun(
  scenarioFrom({
    name: 'small',
    vm: { memory: '8MiB', vcpus: 1, workloads: [{ kind: 'random', set: '4MiB', rate: '100k/s' }] },
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '5ms', maxBandwidth: 'unlimited', postcopy: { after: 1 } },
  }),
  { clock },
);
prepared.runner.recorded$.subscribe((one) => recorded.push(one));
prepared.start();
while (!prepared.runner.ended && clock.step());
const { outcome } = prepared.report();
const run: Run = recorded;
const DISCARD = { name: 'discardDirty' } as const;
const SEND = { name: 'sendMissing' } as const;
const toldBytes = run.reduce((sum, { record }) => {
  const bytes = record.kind === 'input' ? record.event.sentBytes : undefined;
  return sum + (typeof bytes === 'number' ? bytes : 0);
}, 0);

test('a sound one holds', () => {
  expect(outcome).toBe('completed');
  for (const name of ['final-order', 'one-guest', 'legal-arcs', 'trackers-cover'] as const) expectHeld(run, name);
  expectHeld(run, 'accounted', { wireBytes: toldBytes });
  expectHeld(run, 'no-lost-write', { lostPages: 0 });
});

describe('given a wrong order', () => {
  test('when the storage is released before the old pages were discarded, that order broke it', () => {
    const position = issuedAt(run, DISCARD);
    const moved = moveCommand(run, { name: 'releaseStorage' }, position);
    expectBroken(moved, 'final-order', position, /releaseStorage comes before .*the dirty pages were discarded/);
  });

  test('when another set than the final one is discarded, that order broke it', () => {
    const edited = editCommand(run, DISCARD, { dirtySet: 1 });
    expectBroken(
      edited,
      'final-order',
      issuedAt(run, DISCARD),
      /discardDirty names set 1, and the final sync made set \d+/,
    );
  });

  test('when nothing was synced for the last time, nothing can be discarded', () => {
    const position = answeredAt(run, { name: 'stopVcpus' });
    expectBroken(moveCommand(run, DISCARD, position), 'final-order', position, /the final sync made none/);
  });

  test('when pages are sent before the guest runs there, that order broke it', () => {
    const position = answeredAt(run, { name: 'acquireStorage' });
    const moved = moveCommand(run, SEND, position);
    expectBroken(moved, 'final-order', position, /sendMissing comes before the guest runs on the destination/);
  });
});

describe('given what was sent', () => {
  test.each([DISCARD, SEND])('bytes of $name that nobody told are found', (which) => {
    expect(check(editAnswer(run, which, { sentBytes: 0 }), 'accounted', { wireBytes: toldBytes })).toMatchObject({
      held: false,
      because: expect.stringContaining('went over the link'),
    });
  });

  test('a send that failed may have sent more than anybody told, and never less', () => {
    const failed = failAnswer(run, SEND, 'ECONNRESET');
    expectHeld(failed, 'accounted', { wireBytes: toldBytes });
    expect(check(failed, 'accounted', { wireBytes: 1 }).held).toBe(false);
  });

  test('a page that arrived over what the guest had written there is lost, and named', () => {
    const edited = editAnswer(run, SEND, { lostPages: 1, firstLostPages: [77] });
    expectBroken(edited, 'no-lost-write', answeredAt(run, SEND), /1 pages differ.*the first of them 77/, {
      lostPages: 0,
    });
  });
});
