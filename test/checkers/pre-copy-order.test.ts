/** The order before the switchover: every log runs before the first page is copied, and a pass copies what was collected last. */
import { describe, test } from 'vitest';
import { runSmall } from '../simulation/run-small.ts';
import {
  answeredAt,
  dropAnswer,
  dropCommand,
  editCommand,
  editFact,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  moveCommand,
  type Run,
  type Which,
} from './planted.ts';

const NAME = 'final-order';
const completed: Run = runSmall().recorded;

describe('given pre-copy', () => {
  const FIRST: Which = { name: 'sendRound' };
  const first = issuedAt(completed, FIRST);

  test("when KVM's log was not started before the first pass, that pass broke it", () => {
    expectBroken(
      dropAnswer(completed, { name: 'startDirtyLog' }),
      NAME,
      first,
      /sendRound copies before KVM's log was started/,
    );
    expectBroken(failAnswer(completed, { name: 'startDirtyLog' }, 'EIO'), NAME, first, /before KVM's log was started/);
  });

  test('when a pass begins before the log has answered, it broke it', () => {
    const position = issuedAt(completed, { name: 'startDirtyLog' });
    expectBroken(moveCommand(completed, FIRST, position), NAME, position, /before KVM's log was started/);
  });

  test.each(['nic0', 'nic1'])('when %s was not tracked before the first pass, that pass broke it', (of) => {
    const which = { name: 'startTracking', params: { of } } as const;
    const because = new RegExp(`copies before tracking/0 ${of} was started`);
    expectBroken(dropCommand(completed, which), NAME, first, because);
    expectBroken(failAnswer(completed, which, 'EIO'), NAME, first, because);
  });

  test('when the IOMMU tracks and was not started, the first pass broke it', () => {
    const container = { id: '0', iommuTracks: true, devices: [{ id: 'nic0', features: 7, logsDma: false }] } as const;
    const iommu: Run = runSmall({
      plan: { containers: [container] },
    }).recorded;
    expectHeld(iommu, NAME);
    const run = dropCommand(iommu, { name: 'startTracking' });
    expectBroken(run, NAME, issuedAt(iommu, FIRST), /copies before tracking\/0 iommu was started/);
  });

  test.each(['stopTracking', 'stopDirtyLog'] as const)(
    'when %s comes between two passes, the next pass broke it',
    (name) => {
      const run = moveCommand(completed, { name }, answeredAt(completed, FIRST));
      const second = issuedAt(completed, { ...FIRST, nth: 1 });
      expectBroken(editFact(run, 'ENDED', {}, { outcome: 'failed' }), NAME, second, /copies before/);
    },
  );

  test('when a pass comes before any sync was answered, it broke it', () => {
    const position = issuedAt(completed, { name: 'syncBitmap' });
    expectBroken(moveCommand(completed, FIRST, position), NAME, position, /names set 1, and the last sync made none/);
  });

  test('when a pass copies the set of an older sync, it broke it', () => {
    const second = { ...FIRST, nth: 1 };
    const run = editCommand(completed, second, { dirtySet: 1 });
    expectBroken(run, NAME, issuedAt(completed, second), /names set 1, and the last sync made set 2/);
  });
});
