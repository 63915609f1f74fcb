/**
 * The statuses of post-copy by release, and what may still be ordered in each. Rows from QEMU: qapi/migration.json and
 * migration/migration.c at v7.2.0 to v11.1.0-rc2; event order on 7.2 as measured. `postcopy-device` came with 10.2 (7b842fe354),
 * `postcopy-recover-setup` with 9.1 (4146b77ec7).
 */
import { describe, expect, test } from 'vitest';
import { LOOPS, type LoopName, loop } from '../../machines/loops.ts';
import { migration } from '../../machines/migration.ts';
import { blockers, type Plan } from '../../machines/plan.ts';
import { smallPlan } from '../simulation/small-plan.ts';
import { type Given, given } from './given.ts';

const PLAN = smallPlan({ containers: [], postCopy: true });
const begin = (changes: Partial<Plan> = {}) => given(migration, { ...PLAN, ...changes });

const by = (type: string, from: string, more: object = {}) => ({ type, from, ...more });
const MIGRATE = by('MIGRATE', 'operator');
const CANCEL = by('CANCEL', 'operator');
const CONTINUE = by('CONTINUE', 'operator');
const START = by('START_POSTCOPY', 'operator');
const PAUSE = by('PAUSE', 'operator');
const RECOVER = by('RECOVER', 'operator');
const PREPARED = by('DESTINATION_REACHED', 'destination', { asked: 'prepared', state: 'prepared' });
const STARTED = by('PRECOPY_STARTED', 'pre-copy');
const DECIDED = by('POSTCOPY_DECIDED', 'pre-copy', { round: 1 });
const PAUSED_BEFORE = by('PAUSED_BEFORE_SWITCHOVER', 'stop-and-copy');
const STOPPED = by('DEVICES_STOPPED', 'stop-and-copy');
const PACKAGE = by('PACKAGE_SENT', 'stop-and-copy');
const HANDING_OVER = by('HANDING_OVER', 'stop-and-copy');
const SWITCHED_OVER = by('SWITCHED_OVER', 'stop-and-copy');
const failed = (destination: 'not-started' | 'unknown') =>
  by('SWITCHOVER_FAILED', 'stop-and-copy', { during: 'discardDirty', errno: 'EIO', destination });
const BROKEN = by('POSTCOPY_PAUSED', 'post-copy', { during: 'sendMissing', errno: 'ECONNRESET' });
const RECONNECTING = by('POSTCOPY_RECONNECTING', 'post-copy');
const RECONNECTED = by('POSTCOPY_RECONNECTED', 'post-copy');
const RESUMED = by('POSTCOPY_RESUMED', 'post-copy');
const ARRIVED = by('POSTCOPY_COMPLETED', 'post-copy');
const LOG_OFF = by('DIRTY_LOG_REACHED', 'dirty-log', { asked: 'off', state: 'off' });
const ROLLED_BACK = by('ROLLED_BACK', 'roll-back', { guest: 'running', because: '' });

const ACTIVE = [MIGRATE, PREPARED, STARTED];
const ENDS_PRECOPY = [...ACTIVE, START, DECIDED];
const RUNS = [...ENDS_PRECOPY, STOPPED, PACKAGE, HANDING_OVER, SWITCHED_OVER];
const OVER = [ARRIVED, LOG_OFF];
const RECOVERED = [...RUNS, BROKEN, RECOVER, RECONNECTING, RECONNECTED, RESUMED, ...OVER];
const NOT_RECOVERED = [...RUNS, BROKEN, RECOVER, RECONNECTING, BROKEN];
const FAILS_AFTER = [...RUNS, BROKEN, RECOVER, RECONNECTING, RECONNECTED, BROKEN];
const PAUSED_FIRST = [...ENDS_PRECOPY, PAUSED_BEFORE, CONTINUE, STOPPED, PACKAGE, HANDING_OVER, SWITCHED_OVER, ...OVER];

type Row = readonly [
  name: string,
  events: readonly { type: string }[],
  old: string,
  nineTwo: string,
  tenTwo: string,
  eleven: string,
];
/** As status lists after `none setup active`; an empty column is as the one before. */
const STATUSES: readonly Row[] = [
  [
    'plain',
    [...RUNS, ...OVER],
    'postcopy-active completed',
    '',
    'device postcopy-device postcopy-active completed',
    '',
  ],
  [
    'paused before the switchover',
    PAUSED_FIRST,
    'pre-switchover postcopy-active completed',
    '',
    'pre-switchover device postcopy-device postcopy-active completed',
    '',
  ],
  [
    'a broken link, recovered',
    RECOVERED,
    'postcopy-active postcopy-paused postcopy-recover postcopy-active completed',
    'postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover postcopy-active completed',
    'device postcopy-device postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover postcopy-active completed',
    '',
  ],
  [
    'a connection that fails',
    NOT_RECOVERED,
    'postcopy-active postcopy-paused',
    'postcopy-active postcopy-paused postcopy-recover-setup postcopy-paused',
    'device postcopy-device postcopy-active postcopy-paused postcopy-recover-setup postcopy-paused',
    '',
  ],
  [
    'a handshake that fails',
    FAILS_AFTER,
    'postcopy-active postcopy-paused postcopy-recover postcopy-paused',
    'postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover postcopy-paused',
    'device postcopy-device postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover postcopy-paused',
    '',
  ],
  [
    'it fails before the package is sent',
    [...ENDS_PRECOPY, STOPPED, failed('not-started'), ROLLED_BACK],
    'postcopy-active failed',
    '',
    'device failed',
    'device failing failed',
  ],
  [
    'the destination is lost before it has loaded',
    [...ENDS_PRECOPY, STOPPED, PACKAGE, failed('not-started'), ROLLED_BACK],
    'postcopy-active failed',
    '',
    'device postcopy-device failed',
    'device postcopy-device failing failed',
  ],
];
const COLUMN: Readonly<Record<LoopName, 0 | 1 | 2 | 3>> = {
  'qemu-7.2': 0,
  'qemu-8.0': 0,
  'qemu-8.2': 0,
  'qemu-9.2': 1,
  'qemu-10.2': 2,
  'qemu-11.1': 3,
  textbook: 3,
  xen: 3,
  'cloud-hypervisor': 3,
};

describe.each(LOOPS)('the statuses of %s', (loop) => {
  test.each(STATUSES)('%s', (_, events, ...columns) => {
    const none = begin({ loop, pauseBeforeSwitchover: events.includes(PAUSED_BEFORE) });
    const facts = [...none.facts, ...none.when(...events).facts];
    const statuses = facts.filter(({ type }) => type === 'STATUS_CHANGED').map((fact) => fact.status);
    const wanted = columns.slice(0, COLUMN[loop] + 1).findLast((column) => column !== '');
    expect(statuses.join(' ')).toBe(`none setup active ${wanted}`);
  });
});

const active = begin().when(...ACTIVE);
const loading = begin().when(...ENDS_PRECOPY, STOPPED, PACKAGE);
const handingOver = loading.when(HANDING_OVER);
const running = handingOver.when(SWITCHED_OVER);
const paused = running.when(BROKEN);
const settingUp = paused.when(RECONNECTING);
const recovering = settingUp.when(RECONNECTED);

describe('START_POSTCOPY', () => {
  test('goes to pre-copy, which knows when a turn ends', () => {
    active
      .when(START)
      .then({ state: { reversible: { active: 'iterating' } }, told: [{ to: 'pre-copy', type: 'START_POSTCOPY' }] });
  });

  test('that comes before pre-copy begins is in its input', () => {
    const early = begin().when(MIGRATE, START, PREPARED);
    expect(early.inputOf('pre-copy')).toMatchObject({ startsPostCopy: true });
    expect(begin().when(MIGRATE, PREPARED).inputOf('pre-copy')).not.toHaveProperty('startsPostCopy');
  });

  test('without the capability is a warning: it cannot be set while a migration runs', () => {
    const { postCopy: _, ...without } = PLAN;
    for (const at of [[MIGRATE], [MIGRATE, PREPARED], ACTIVE]) {
      const given = givenPlan(without).when(...at);
      const ordered = given.when(START);
      ordered.then({ state: given.snapshot.value, facts: ordered.facts });
      expect(ordered.facts).toMatchObject([{ type: 'WARNED', of: expect.stringContaining('postcopy-ram') }]);
    }
  });

  test('is idempotent, and harmless at the end', () => {
    for (const at of [loading, handingOver, running, paused, settingUp, recovering, running.when(ARRIVED)]) {
      at.when(START).then({ state: at.snapshot.value });
    }
  });
});

function givenPlan(plan: Plan): Given {
  return given(migration, plan);
}

describe('post-copy and VFIO devices exclude each other', () => {
  test.each(LOOPS.filter((name) => loop(name).vfio.devices))('%s: blocked, with the rule', (name) => {
    const plan = smallPlan({ loop: name, postCopy: true });
    const reason = blockers(plan).join('; ');
    expect(reason).toContain('postcopy-ram and VFIO devices exclude each other');
    expect(reason).toContain('nic0, nic1');
    const blocked = givenPlan(plan).when(MIGRATE);
    expect(blocked.snapshot.value).toBe('blocked');
    expect(blocked.facts).toMatchObject([{ type: 'ENDED', outcome: 'blocked' }]);
  });

  test('without devices, or without the capability, nothing is blocked by it', () => {
    expect(blockers(PLAN)).toEqual([]);
    expect(blockers(smallPlan())).toEqual([]);
  });
});

describe('no cancel once neither host has the whole guest', () => {
  const states: readonly (readonly [string, Given])[] = [
    ['handing over', handingOver],
    ['postcopy-active', running],
    ['postcopy-paused', paused],
    ['postcopy-recover-setup', settingUp],
    ['postcopy-recover', recovering],
  ];
  test.each(states)('%s: taken, and nothing follows', (_, at) => {
    at.when(CANCEL).then({ state: at.snapshot.value });
  });

  test('postcopy-device refuses it as well, though the source still could go on', () => {
    loading.when(CANCEL).then({ state: loading.snapshot.value });
    loading.when(failed('not-started')).then({ state: { failing: 'rollingBack' }, opened: ['roll-back'], told: [] });
  });

  test('up to 9.2 the status is postcopy-active before the stop: there it is still taken', () => {
    const old = begin({ loop: 'qemu-9.2' }).when(...ENDS_PRECOPY);
    expect(old.when(CANCEL).snapshot.value).toBe('cancelling');
  });
});

describe('charts of post-copy', () => {
  test('the stop is stop-and-copy with its memory left for later, and post-copy begins when the guest runs there', () => {
    const stopping = active.when(DECIDED);
    expect(stopping.inputOf('stop-and-copy')).toEqual({ devices: [], pauseBeforeSwitchover: false, postCopy: true });
    expect(running.inputOf('post-copy')).toEqual({ giveUpAfterMs: 60_000 });
  });

  test('an operator pauses and recovers', () => {
    running.when(PAUSE).then({ state: running.snapshot.value, told: [{ to: 'post-copy', type: 'PAUSE' }] });
    paused.when(RECOVER).then({ state: 'postcopy-paused', told: [{ to: 'post-copy', type: 'RECOVER' }] });
  });

  test('one that is not recovered ends in doubt, its status as it was', () => {
    const given = paused.when(by('POSTCOPY_UNRECOVERED', 'post-copy', { because: 'nobody recovered it' }));
    expect(given.snapshot.output).toEqual({ outcome: 'in-doubt', reason: 'nobody recovered it' });
    expect(given.facts).toEqual([{ type: 'ENDED', outcome: 'in-doubt', reason: 'nobody recovered it' }]);
  });

  test('a start on the destination that is not answered leaves it in doubt, and the source stopped', () => {
    const doubt = handingOver.when(failed('unknown'));
    expect(Object.keys(doubt.snapshot.value as object)).toEqual(['in-doubt']);
    expect(doubt.told.filter(({ to }) => to === 'guest')).toEqual([]);
  });

  const found = (sourceFenced: boolean) =>
    by('DOUBT_RESOLVED', 'in-doubt', { guest: 'destination', sourceFenced, because: 'it runs' });

  test('a doubt that turns out to be a running destination goes on to fetch what it lacks', () => {
    const again = handingOver.when(failed('unknown'), by('TAKE_UP', 'operator')).when(found(false));
    expect(again.snapshot.value).toEqual({ 'postcopy-active': 'pushing' });
    expect(again.opened).toEqual(['post-copy']);
  });

  test('unless the source is fenced: its pages are gone', () => {
    const lost = handingOver.when(failed('unknown'), by('SOURCE_FENCED', 'operator')).when(found(true));
    expect(lost.snapshot.value).toEqual({ 'in-doubt': 'resting' });
    expect(lost.opened).toEqual([]);
  });
});
