/**
 * One whole migration: which charts it opens and when, the statuses that each release reports, blockers, cancel and failure at every
 * point, the project's own give-up, and the ends. Statuses: QEMU qapi/migration.json and migration/migration.c at v7.2.0 to v11.1.0-rc2;
 * `device` without a pause is 10.0 on (4881411136), `failing` is 11.0 on (93c8a97f99).
 * The file is long because each order is tried in each status.
 */
import { describe, expect, test } from 'vitest';
import { LOOPS, type LoopName } from '../../machines/loops.ts';
import { migration } from '../../machines/migration.ts';
import type { Plan } from '../../machines/plan.ts';
import type { Announced } from './given.ts';
import { type Given, given } from './given.ts';

const nic = (id: string, features: 1 | 3 | 5 | 7 = 7, logsDma = true) => ({ id, features, logsDma });
const PLAN: Plan = {
  loop: 'qemu-10.2',
  policy: { name: 'qemu', version: '1', parameters: { switchesOver: 'at-or-below' } },
  downtimeLimitMs: 300,
  availSwitchoverBytesPerSecond: 0,
  switchoverAck: false,
  pauseBeforeSwitchover: false,
  enableMigration: 'auto',
  afterSyncError: 'fail',
  giveUpAfterMs: 60_000,
  pageBytes: 4096,
  sections: [{ of: 'ram', firstPage: 0, pages: 256 }],
  containers: [{ id: 'c0', iommuTracks: true, devices: [nic('nic0'), nic('nic1', 3)] }],
  deadlinesMs: {},
};
const begin = (changes: Partial<Plan> = {}) => given(migration, { ...PLAN, ...changes });

const MIGRATE = { type: 'MIGRATE', from: 'operator' };
const CANCEL = { type: 'CANCEL', from: 'operator' };
const CONTINUE = { type: 'CONTINUE', from: 'operator' };
const destinationIs = (state: string, asked = 'prepared', more: { during?: string; errno?: string } = {}) => ({
  type: 'DESTINATION_REACHED',
  from: 'destination',
  asked,
  state,
  ...more,
});
const PREPARED = destinationIs('prepared');
const DESTINATION_FAILED = destinationIs('failed', 'loaded', { during: 'link', errno: 'ECONNRESET' });
const STARTED = { type: 'PRECOPY_STARTED', from: 'pre-copy' };
const DECIDED = { type: 'SWITCHOVER_DECIDED', from: 'pre-copy', round: 3, because: { remainingBytes: 1 } };
const PRECOPY_FAILED = { type: 'PRECOPY_FAILED', from: 'pre-copy', during: 'sendRound', errno: 'ECONNRESET' };
const DEVICES_STOPPED = { type: 'DEVICES_STOPPED', from: 'stop-and-copy' };
const PAUSED = { type: 'PAUSED_BEFORE_SWITCHOVER', from: 'stop-and-copy' };
const HANDING_OVER = { type: 'HANDING_OVER', from: 'stop-and-copy' };
const SWITCHED_OVER = { type: 'SWITCHED_OVER', from: 'stop-and-copy' };
const switchoverFailed = (destination: 'not-started' | 'unknown', during = 'sendRemaining') => ({
  type: 'SWITCHOVER_FAILED',
  from: 'stop-and-copy',
  during,
  errno: 'EIO',
  destination,
});
const ROLLED_BACK = { type: 'ROLLED_BACK', from: 'roll-back', guest: 'running', because: '' };
const STUCK = {
  type: 'ROLLED_BACK',
  from: 'roll-back',
  guest: 'stopped',
  because: 'the source could not acquire its storage again (EBUSY)',
};
const LOG_OFF = { type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'off', state: 'off' };
const GIVE_UP = { type: 'xstate.after.giveUpAfter.migration.reversible.active.iterating', from: 'timer' };

const status = (name: string) => ({ type: 'STATUS_CHANGED', status: name }) as const;
const ended = (outcome: string, reason: string) => ({ type: 'ENDED', outcome, reason }) as const;
const statuses = (facts: readonly Announced[]) =>
  facts.filter(({ type }) => type === 'STATUS_CHANGED').map((fact) => fact.status);

/** Everything announced from the start on. */
function announced(changes: Partial<Plan>, ...events: readonly { type: string }[]): readonly Announced[] {
  const none = begin(changes);
  return [...none.facts, ...none.when(...events).facts];
}

const none = begin();
const setup = none.when(MIGRATE);
const startingPreCopy = setup.when(PREPARED);
const active = startingPreCopy.when(STARTED);
const switching = active.when(DECIDED);
const device = switching.when(DEVICES_STOPPED);
const handingOver = device.when(HANDING_OVER);
const completed = handingOver.when(SWITCHED_OVER);
const paused = switching.when(PAUSED);

const OPENED_AT_SETUP = [
  'guest',
  'vfio/nic0',
  'vfio/destination/nic0',
  'vfio/nic1',
  'vfio/destination/nic1',
  'device/nic0',
  'device/destination/nic0',
  'device/nic1',
  'device/destination/nic1',
  'tracking/c0',
  'dirty-log',
  'policy',
  'destination',
];
const CLOSED_AT_THE_END = ['pre-copy', 'stop-and-copy', 'roll-back'];

describe('a migration that works', () => {
  test('opens what it needs, when it needs it', () => {
    none.then({ state: 'none', facts: [status('none')] });
    setup.then({
      state: { reversible: { setup: 'preparingDestination' } },
      facts: [status('setup')],
      opened: OPENED_AT_SETUP,
      told: [{ to: 'destination', type: 'PREPARE' }],
    });
    startingPreCopy.then({ state: { reversible: { setup: 'startingPreCopy' } }, opened: ['pre-copy'] });
    active.then({ state: { reversible: { active: 'iterating' } }, facts: [status('active')], timers: [60_000] });
    switching.then({
      state: { reversible: { active: 'switching' } },
      closed: ['pre-copy', 'policy'],
      opened: ['stop-and-copy'],
      timers: ['cleared'],
    });
    device.then({ state: { reversible: 'device' }, facts: [status('device')] });
    handingOver.then({ state: 'handingOver' });
  });

  test('cleans up the source outside the downtime: every device, one way or another, and then the logs', () => {
    completed.then({
      state: { completed: 'cleaningDevices' },
      facts: [status('completed')],
      closed: ['stop-and-copy'],
      told: [
        { to: 'device/nic0', type: 'SET_STATE', target: 'STOP' },
        { to: 'device/nic1', type: 'SET_STATE', target: 'STOP' },
      ],
    });
    const cleaned = { type: 'DEVICE_REACHED', from: 'device/nic0', device: 'nic0', asked: 'STOP', state: 'STOP' };
    const one = completed.when(cleaned).then({ state: { completed: 'cleaningDevices' } });
    const lost = { ...cleaned, from: 'device/nic1', device: 'nic1', state: 'unknown', errno: 'EIO' };
    const logs = one.when(lost).then({
      state: { completed: 'stoppingLog' },
      told: [{ to: 'dirty-log', type: 'STOP' }],
      facts: [{ type: 'WARNED', of: 'device nic1 is unknown', errno: 'EIO' }],
    });
    const over = logs.when(LOG_OFF).then({ state: 'cleanedUp', facts: [ended('completed', '')] });
    expect(over.snapshot.status).toBe('done');
    expect(over.snapshot.output).toEqual({ outcome: 'completed', reason: '' });
  });

  test('charts are opened with what the plan says', () => {
    expect(setup.inputOf('vfio/nic1')).toEqual({ features: 3, onBadImage: 'unseen' });
    expect(setup.inputOf('device/destination/nic0')).toEqual({
      device: 'nic0',
      mirror: 'vfio/destination/nic0',
      state: 'RUNNING',
      mayReset: false,
    });
    expect(setup.inputOf('tracking/c0')).toEqual({
      tracking: 'c0',
      devices: [
        { id: 'nic0', logsDma: true },
        { id: 'nic1', logsDma: true },
      ],
      iommuTracks: true,
      sections: PLAN.sections,
      ranges: 'three',
      pageBytes: 4096,
    });
    expect(setup.inputOf('dirty-log')).toEqual({ trackings: ['tracking/c0'], afterSyncError: 'fail' });
    expect(setup.inputOf('policy')).toEqual({ parameters: PLAN.policy.parameters });
    expect(setup.inputOf('destination')).toEqual({
      devices: [
        { id: 'nic0', address: 'device/destination/nic0', p2p: true },
        { id: 'nic1', address: 'device/destination/nic1', p2p: true },
      ],
    });
    expect(startingPreCopy.inputOf('pre-copy')).toEqual({
      loop: 'qemu-10.2',
      downtimeLimitMs: 300,
      availSwitchoverBytesPerSecond: 0,
      devices: [
        { id: 'nic0', address: 'device/nic0', preCopy: true },
        { id: 'nic1', address: 'device/nic1', preCopy: false },
      ],
      switchoverAck: false,
    });
    expect(switching.inputOf('stop-and-copy')).toEqual({
      devices: [
        { id: 'nic0', address: 'device/nic0', p2p: true, preCopy: true },
        { id: 'nic1', address: 'device/nic1', p2p: true, preCopy: false },
      ],
      pauseBeforeSwitchover: false,
    });
  });

  test('a container without devices has no tracker, a VM without devices no device charts', () => {
    const containers = [
      { id: 'empty', iommuTracks: true, devices: [] },
      { id: 'c1', iommuTracks: true, devices: [nic('x')] },
    ];
    const one = begin({ containers }).when(MIGRATE);
    expect(one.inputOf('dirty-log')).toMatchObject({ trackings: ['tracking/c1'] });
    begin({ containers: [] })
      .when(MIGRATE)
      .then({
        state: { reversible: { setup: 'preparingDestination' } },
        facts: [status('setup')],
        opened: ['guest', 'dirty-log', 'policy', 'destination'],
        told: [{ to: 'destination', type: 'PREPARE' }],
      });
  });

  test('a second MIGRATE is refused while one is in progress', () => {
    for (const state of [setup, startingPreCopy, active, switching, paused, device, handingOver, completed]) {
      state.when(MIGRATE).then({ state: state.snapshot.value });
    }
  });
});

describe('blockers', () => {
  test.each([
    [{ enableMigration: 'off' }, /enable-migration=off/],
    [{ loop: 'qemu-7.2' }, /qemu-8\.0 is the first/],
    [{ containers: [{ id: 'c0', iommuTracks: false, devices: [nic('a', 7, false)] }] }, /no dirty tracking/],
  ] as const)('end it at once, before anything is opened: %o', (changes, reason) => {
    const blocked = begin(changes).when(MIGRATE);
    expect(blocked.facts).toEqual([ended('blocked', expect.stringMatching(reason) as unknown as string)]);
    blocked.then({ state: 'blocked', facts: blocked.facts });
    expect(blocked.snapshot.status).toBe('done');
  });

  test('all of them are named', () => {
    const containers = [{ id: 'c0', iommuTracks: false, devices: [nic('a', 1, false), nic('b', 7)] }];
    const { output } = begin({ containers }).when(MIGRATE).snapshot as unknown as { output: { reason: string } };
    expect(output.reason.split('; ')).toHaveLength(2);
  });
});

const SETUP = [MIGRATE, PREPARED];
const ACTIVE = [...SETUP, STARTED];
const SWITCHING = [...ACTIVE, DECIDED];
const STOPPED = [...SWITCHING, DEVICES_STOPPED];
const OVER = [...STOPPED, HANDING_OVER, SWITCHED_OVER, LOG_OFF];
const PAUSE = [...SWITCHING, PAUSED];
const CONTINUED = [...PAUSE, CONTINUE, DEVICES_STOPPED];

/** 7.2 to 9.2: no `device` without a pause, `failed` at once. 10.x: `device`. 11.x and textbook: `failing` too. */
const DIALECTS: Readonly<Record<LoopName, 'plain' | 'device' | 'failing'>> = {
  'qemu-7.2': 'plain',
  'qemu-8.0': 'plain',
  'qemu-8.2': 'plain',
  'qemu-9.2': 'plain',
  'qemu-10.2': 'device',
  'qemu-11.1': 'failing',
  textbook: 'failing',
  xen: 'failing',
  'cloud-hypervisor': 'failing',
};
type Row = readonly [name: string, events: readonly { type: string }[], plain: string, device: string, failing: string];
/** Statuses by dialect; where a later column is empty it is as the one before. */
const STATUSES: readonly Row[] = [
  ['plain', OVER, 'setup active completed', 'setup active device completed', ''],
  [
    'paused',
    [...CONTINUED, HANDING_OVER, SWITCHED_OVER, LOG_OFF],
    'setup active pre-switchover device completed',
    '',
    '',
  ],
  ['fails in setup', [...SETUP, PRECOPY_FAILED, ROLLED_BACK], 'setup failed', '', 'setup failing failed'],
  [
    'destination does not prepare',
    [MIGRATE, destinationIs('failed'), ROLLED_BACK],
    'setup failed',
    '',
    'setup failing failed',
  ],
  [
    'fails while active',
    [...ACTIVE, PRECOPY_FAILED, ROLLED_BACK],
    'setup active failed',
    '',
    'setup active failing failed',
  ],
  [
    'fails in the stop phase',
    [...STOPPED, switchoverFailed('not-started'), ROLLED_BACK],
    'setup active failed',
    'setup active device failed',
    'setup active device failing failed',
  ],
  [
    'fails while paused',
    [...PAUSE, switchoverFailed('not-started'), ROLLED_BACK],
    'setup active pre-switchover failed',
    '',
    'setup active pre-switchover failing failed',
  ],
  [
    'fails after the pause',
    [...CONTINUED, switchoverFailed('not-started'), ROLLED_BACK],
    'setup active pre-switchover device failed',
    '',
    'setup active pre-switchover device failing failed',
  ],
  ['cancelled while active', [...ACTIVE, CANCEL, ROLLED_BACK], 'setup active cancelling cancelled', '', ''],
  [
    'cancelled while paused',
    [...PAUSE, CANCEL, ROLLED_BACK],
    'setup active pre-switchover cancelling cancelled',
    '',
    '',
  ],
];

describe.each(LOOPS)('the statuses of %s', (loop) => {
  // 7.2 does not migrate devices; statuses do not depend on them.
  test.each(STATUSES)('%s', (_, events, plain, withDevice, withFailing) => {
    const row = { plain, device: withDevice || plain, failing: withFailing || withDevice || plain };
    const facts = announced({ loop, containers: [], pauseBeforeSwitchover: events.includes(PAUSED) }, ...events);
    expect(statuses(facts).join(' ')).toBe(`none ${row[DIALECTS[loop]]}`);
  });
});

describe('CANCEL', () => {
  test('while idle does nothing', () => {
    none.when(CANCEL).then({ state: 'none' });
  });

  const inPreCopy = { sending: 'pre-copy', switching: false };
  const inSwitchover = { sending: 'stop-and-copy', switching: true };
  const before: readonly (readonly [string, Given, object, timers: readonly 'cleared'[]])[] = [
    ['preparing', setup, { sending: 'nobody', switching: false }, []],
    ['starting pre-copy', startingPreCopy, inPreCopy, []],
    ['iterating', active, inPreCopy, ['cleared']],
    ['switching', switching, inSwitchover, []],
    ['paused', paused, inSwitchover, []],
    ['device', device, inSwitchover, []],
  ];
  test.each(before)('%s: rolls back, and is cancelled', (_, state, sending, timers) => {
    const cancelling = state.when(CANCEL);
    cancelling.then({ state: 'cancelling', facts: [status('cancelling')], opened: ['roll-back'], timers });
    expect(cancelling.inputOf('roll-back')).toEqual({
      ...sending,
      devices: [
        { id: 'nic0', address: 'device/nic0', p2p: true },
        { id: 'nic1', address: 'device/nic1', p2p: true },
      ],
    });
    const over = cancelling.when(ROLLED_BACK).then({
      state: 'cancelled',
      facts: [status('cancelled'), ended('cancelled', 'cancelled by the operator')],
      closed: CLOSED_AT_THE_END,
    });
    expect(over.snapshot.output).toEqual({ outcome: 'cancelled', reason: 'cancelled by the operator' });
  });

  const plainHandingOver = begin({ loop: 'qemu-9.2' }).when(...SWITCHING, DEVICES_STOPPED, HANDING_OVER);
  test.each([
    ['handing over', handingOver],
    ['handing over, up to 9.2', plainHandingOver],
    ['completed', completed],
  ] as const)('%s: too late', (_, state) => {
    state.when(CANCEL).then({ state: state.snapshot.value });
  });

  test('on the way back changes nothing, also of the reason', () => {
    const failing = active.when(PRECOPY_FAILED);
    failing.when(CANCEL).then({ state: failing.snapshot.value });
    failing.when(CANCEL, ROLLED_BACK).then({
      state: 'failed',
      facts: [status('failed'), ended('failed', 'sendRound (ECONNRESET)')],
      closed: CLOSED_AT_THE_END,
    });
    active.when(CANCEL, CANCEL).then({
      state: 'cancelling',
      facts: [status('cancelling')],
      opened: ['roll-back'],
      timers: ['cleared'],
    });
  });

  test('whatever still fails on the way back is taken and changes nothing', () => {
    const late = [PRECOPY_FAILED, switchoverFailed('not-started'), DESTINATION_FAILED, PAUSED, CONTINUE];
    active
      .when(CANCEL)
      .when(...late)
      .then({ state: 'cancelling' });
    const failing = active.when(PRECOPY_FAILED);
    failing.when(...late).then({ state: failing.snapshot.value });
  });
});

describe('a failure', () => {
  const unanswered = { timers: [] as readonly 'cleared'[] };
  const cleared = { timers: ['cleared'] as const };
  type Failing = readonly [string, Given, { type: string }, reason: string, { readonly timers: readonly 'cleared'[] }];
  const LINK = 'destination: link (ECONNRESET)';
  const points: readonly Failing[] = [
    [
      'preparing',
      setup,
      destinationIs('failed', 'loaded', { during: 'prepareDestination', errno: 'ENOMEM' }),
      'destination: prepareDestination (ENOMEM)',
      unanswered,
    ],
    ['starting pre-copy', startingPreCopy, PRECOPY_FAILED, 'sendRound (ECONNRESET)', unanswered],
    ['starting pre-copy, the destination', startingPreCopy, DESTINATION_FAILED, LINK, unanswered],
    ['iterating', active, PRECOPY_FAILED, 'sendRound (ECONNRESET)', cleared],
    ['iterating, the destination', active, DESTINATION_FAILED, LINK, cleared],
    ['switching', switching, switchoverFailed('not-started'), 'sendRemaining (EIO)', unanswered],
    ['switching, the destination', switching, DESTINATION_FAILED, LINK, unanswered],
    ['paused', paused, switchoverFailed('not-started'), 'sendRemaining (EIO)', unanswered],
    ['paused, the destination', paused, DESTINATION_FAILED, LINK, unanswered],
    ['device', device, switchoverFailed('not-started'), 'sendRemaining (EIO)', unanswered],
    ['device, the destination', device, DESTINATION_FAILED, LINK, unanswered],
    [
      'handing over, and it was never started',
      handingOver,
      switchoverFailed('not-started', 'destination: acquireStorage'),
      'destination: acquireStorage (EIO)',
      unanswered,
    ],
  ];
  test.each(points)('%s: rolls back, and has failed', (_, state, event, reason, { timers }) => {
    const failing = state.when(event).then({ state: { failing: 'rollingBack' }, opened: ['roll-back'], timers });
    failing.when(ROLLED_BACK).then({
      state: 'failed',
      facts: [status('failed'), ended('failed', reason)],
      closed: CLOSED_AT_THE_END,
    });
  });

  test('from 11.0 on it is announced before the roll-back is opened', () => {
    const failing = begin({ loop: 'qemu-11.1' })
      .when(...ACTIVE)
      .when(PRECOPY_FAILED);
    failing.then({
      state: { failing: 'rollingBack' },
      facts: [status('failing')],
      opened: ['roll-back'],
      timers: ['cleared'],
    });
  });

  test('handing over, the destination that answers stop-and-copy is not judged here', () => {
    handingOver.when(DESTINATION_FAILED).then({ state: 'handingOver' });
  });
});

describe('in doubt', () => {
  const plainHandingOver = begin({ loop: 'qemu-9.2' }).when(...SWITCHING, DEVICES_STOPPED, HANDING_OVER);
  test.each([
    ['device', handingOver],
    ['active, up to 9.2', plainHandingOver],
  ] as const)('%s: the destination may run, so nothing goes back', (_, state) => {
    const doubt = state.when(switchoverFailed('unknown', 'destination: startDestination'));
    doubt.then({
      state: { 'in-doubt': 'resting' },
      facts: [
        status('failed'),
        ended('in-doubt', 'ask or fence the destination: it may be running (destination: startDestination (EIO))'),
      ],
      opened: ['in-doubt'],
    });
    expect(doubt.inputOf('in-doubt')).toEqual({ why: 'destination: startDestination (EIO)', destination: 'may-run' });
    expect(doubt.snapshot.hasTag('rests')).toBe(true);
  });

  const back: readonly (readonly [string, Given])[] = [
    ['cancel', device.when(CANCEL)],
    ['failure', device.when(switchoverFailed('not-started'))],
  ];
  test.each(back)('the source could not be brought back after a %s', (_, state) => {
    const doubt = state.when(STUCK);
    doubt.then({
      state: { 'in-doubt': 'resting' },
      opened: ['in-doubt'],
      facts: [
        status('failed'),
        ended(
          'in-doubt',
          'ask or fence the source, and the destination for its storage: the source could not acquire its storage again (EBUSY)',
        ),
      ],
    });
    const why = 'the source could not acquire its storage again (EBUSY)';
    expect(doubt.inputOf('in-doubt')).toEqual({ why, destination: 'given-up' });
  });

  const doubt = handingOver.when(switchoverFailed('unknown', 'startDestination'));
  const order = (type: string) => ({ type, from: 'operator' });
  const asking = doubt.when(order('TAKE_UP'));
  const resolved = (guest: string, sourceFenced = false, because = 'because') => ({
    type: 'DOUBT_RESOLVED',
    from: 'in-doubt',
    guest,
    sourceFenced,
    because,
  });

  test.each([
    ['TAKE_UP', 'RESOLVE'],
    ['SOURCE_FENCED', 'SOURCE_FENCED'],
    ['DESTINATION_FENCED', 'DESTINATION_FENCED'],
  ])('%s is passed on, and it no longer rests', (type, told) => {
    const taken = doubt.when(order(type));
    taken.then({ state: { 'in-doubt': 'asking' }, told: [{ to: 'in-doubt', type: told }] });
    expect(taken.snapshot.hasTag('rests')).toBe(false);
  });

  test('it rests again when nobody could say', () => {
    const again = asking.when({ type: 'DOUBT_REMAINS', from: 'in-doubt', because: 'it does not answer' });
    again.then({ state: { 'in-doubt': 'resting' }, facts: [ended('in-doubt', 'it does not answer')] });
    again.when(order('TAKE_UP')).then({ state: { 'in-doubt': 'asking' }, told: [{ to: 'in-doubt', type: 'RESOLVE' }] });
  });

  test('a guest that runs on the destination completes the migration, cleaning up included', () => {
    const done = asking.when(resolved('destination'));
    expect(done.snapshot.value).toEqual({ completed: 'cleaningDevices' });
    expect(done.facts).toEqual([status('completed')]);
    asking
      .when(resolved('destination', true))
      .then({ state: 'cleanedUp', facts: [status('completed'), ended('completed', '')] });
  });

  test('a destination that never will run lets the source go back, by the same way as ever', () => {
    const back = asking.when(resolved('source'));
    back.then({ state: { 'in-doubt': 'rollingBack' }, closed: ['roll-back'], opened: ['roll-back'] });
    expect(back.inputOf('roll-back')).toMatchObject({ sending: 'nobody', switching: true });
    back
      .when(ROLLED_BACK)
      .then({ state: 'failedAfterDoubt', facts: [ended('failed', 'because')], closed: CLOSED_AT_THE_END });
    const stuck = back.when(STUCK);
    expect(stuck.snapshot.value).toEqual({ 'in-doubt': 'resting' });
  });

  test('a guest that is lost is said to be', () => {
    asking
      .when(resolved('lost', true, 'the guest is lost'))
      .then({ state: 'failedAfterDoubt', facts: [ended('failed', 'the guest is lost')], closed: CLOSED_AT_THE_END });
  });

  test('elsewhere the same orders change nothing', () => {
    for (const state of [none, setup, active, switching, paused, device, completed]) {
      for (const type of ['TAKE_UP', 'SOURCE_FENCED', 'DESTINATION_FENCED']) {
        state.when(order(type)).then({ state: state.snapshot.value });
      }
    }
  });
});

describe('giving up', () => {
  test("after the plan's own limit it goes back, unconverged", () => {
    const givingUp = active.when(GIVE_UP).then({
      state: 'cancelling',
      facts: [status('cancelling')],
      opened: ['roll-back'],
      // Leaving the state clears its timer, the one that has just fired too.
      timers: ['cleared'],
    });
    givingUp.when(ROLLED_BACK).then({
      state: 'cancelled',
      facts: [status('cancelled'), ended('unconverged', 'gave up after 60 s')],
      closed: CLOSED_AT_THE_END,
    });
  });

  test('is timed while iterating, and the decision ends it', () => {
    begin({ giveUpAfterMs: 1500 })
      .when(MIGRATE, PREPARED)
      .when(STARTED)
      .then({
        state: { reversible: { active: 'iterating' } },
        facts: [status('active')],
        timers: [1500],
      });
    for (const state of [setup, switching, paused, device, handingOver]) state.ignores(GIVE_UP);
  });
});

describe('CONTINUE', () => {
  test('is passed on while paused', () => {
    paused.then({ state: { reversible: 'pre-switchover' }, facts: [status('pre-switchover')] });
    paused
      .when(CONTINUE)
      .then({ state: { reversible: 'pre-switchover' }, told: [{ to: 'stop-and-copy', type: 'CONTINUE' }] });
    paused.when(CONTINUE, DEVICES_STOPPED).then({
      state: { reversible: 'device' },
      facts: [status('device')],
      told: [{ to: 'stop-and-copy', type: 'CONTINUE' }],
    });
  });

  test('elsewhere does nothing', () => {
    for (const state of [none, setup, startingPreCopy, active, switching, device, completed]) {
      state.when(CONTINUE).then({ state: state.snapshot.value });
    }
  });
});

test('up to 9.2 stopped devices change no status without a pause', () => {
  const old = begin({ loop: 'qemu-9.2' }).when(...SWITCHING);
  old.when(DEVICES_STOPPED).then({ state: { reversible: { active: 'switching' } } });
  old.when(DEVICES_STOPPED, HANDING_OVER).then({ state: 'handingOver' });
});
