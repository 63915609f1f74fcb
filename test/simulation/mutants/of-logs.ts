/** Drivers and hardware that lose what somebody wrote, each in one place: the charts and the records are sound then. */

import type { Answer } from '../../../machines/words.ts';
import type { ModelDriver } from '../../../src/drivers/model/model-driver.ts';
import { DirtyRing, type RingEntry } from '../../../src/hardware/kvm/dirty-ring.ts';
import { PmlLog } from '../../../src/hardware/kvm/pml-log.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { PostCopyGuest } from '../../../src/hardware/post-copy-guest.ts';
import { type Mutant, replaced, type Wrap } from './mutant.ts';
import { both, dirtyLog, has } from './where.ts';

/** Pages of one window of a REPORT; guests here have few. */
const WINDOW_PAGES = 64;

/** Each device's REPORT comes without the window of the first page that it found. */
const dropsAWindow: Wrap = (model) => {
  replaced(
    model.world,
    'reportDmaLog',
    (sound) =>
      function (this: unknown, device: string, into: PageBitmap) {
        const found = new PageBitmap(into.pages);
        const report = sound.call(this, device, found);
        const first = found.next(0);
        if (first !== -1) found.clearRange(first, Math.min(WINDOW_PAGES, found.pages - first));
        found.orInto(into);
        return report;
      },
  );
  return model;
};

/** A page is armed again when the pass that has copied it is over, and not before it is copied. */
const armsAfterTheCopy: Wrap = (model) => {
  const log = model.world.kvmLog;
  const copied = new Set<number>();
  const arm = log.rearmBefore?.bind(log);
  if (arm === undefined) return model;
  log.rearmBefore = (page) => {
    copied.add(page);
    return page + 1;
  };
  return {
    ...model,
    perform: (command, answer) =>
      model.perform(command, (given) => {
        if (command.name === 'sendRound') {
          for (const page of copied) arm(page);
          copied.clear();
        }
        answer(given);
      }),
  };
};

/** The walk clears what it reads, and the IOTLB goes on believing that it is set. */
const leavesOutTheFlush: Wrap = (model) => {
  for (const name of model.subscriptions.keys()) {
    if (!name.startsWith('iommu/')) continue;
    replaced(model.world.iommu(name.slice('iommu/'.length)), 'flush', () => () => 0);
  }
  return model;
};

/** Says that pages were dropped which are still there. */
const dropsNothing: Wrap = (model: ModelDriver, clock) => ({
  ...model,
  perform(command, answer) {
    if (command.name !== 'discardDirty') model.perform(command, answer);
    else clock.at(clock.nowNs, () => answer({ type: 'DONE.discardDirty', missingPages: 0, sentBytes: 0 } as Answer));
  },
});

export const LOG_MUTANTS: readonly Mutant[] = [
  {
    name: 'drops one window of a REPORT',
    breaks: 'what the device wrote there is in no log any more',
    where: has.deviceThatLogs,
    wrap: dropsAWindow,
  },
  {
    name: 'copies before it arms again',
    breaks: 'what is written between the copy and the CLEAR is noticed by nobody',
    where: dirtyLog('bitmap-manual'),
    wrap: armsAfterTheCopy,
  },
  {
    name: 'leaves out the IOTLB flush',
    breaks: 'a write through a cached translation sets no bit',
    where: both(has.device, has.iommuThatTracks),
    wrap: leavesOutTheFlush,
  },
  {
    name: 'resets an entry of a dirty ring that it has not read',
    breaks: 'the page is armed again, and its write is forgotten',
    where: dirtyLog('ring', 'range-ring'),
    plant: () =>
      replaced(
        DirtyRing.prototype,
        'harvest',
        (sound) =>
          function (this: DirtyRing, visit: (entry: RingEntry) => void, max?: number) {
            let isFirst = true;
            const read = (entry: RingEntry) => {
              if (!isFirst) visit(entry);
              isFirst = false;
            };
            return sound.call(this, read, max);
          },
      ),
  },
  {
    name: 'fetches the PML log without kicking the vCPUs',
    breaks: 'what is in their buffers at the last collect is not in it',
    where: dirtyLog('pml'),
    plant: () => replaced(PmlLog.prototype, 'kick', () => () => {}),
  },
  {
    name: 'delivers a page of post-copy twice',
    breaks: 'it comes over a newer one that the guest has written there',
    where: has.postCopy,
    plant: () =>
      replaced(
        PostCopyGuest.prototype,
        'arrive',
        (sound) =>
          function (this: PostCopyGuest, pages: readonly number[]) {
            sound.call(this, pages);
            sound.call(this, pages.slice(-1));
          },
      ),
  },
  {
    name: 'begins post-copy without dropping old pages',
    breaks: 'the guest finds an older page there and does not ask for the newer one',
    where: has.postCopy,
    wrap: dropsNothing,
  },
];
