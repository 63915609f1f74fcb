/** QEMU blocks a guest of which type1 cannot return the bits in one bitmap: hw/vfio/migration.c, October 2025. */
import { expect, test } from 'vitest';
import type { LoopName } from '../../machines/loops.ts';
import { blockers } from '../../machines/plan.ts';

const EIGHT_TIB_PAGES = 2 ** 31;

function blocked(loop: LoopName, pages: number, container: { readonly type1?: true; readonly logsDma?: boolean } = {}) {
  const { type1, logsDma = false } = container;
  return blockers({
    loop,
    policy: { name: 'qemu', version: '1', parameters: {} },
    downtimeLimitMs: 300,
    availSwitchoverBytesPerSecond: 0,
    switchoverAck: false,
    pauseBeforeSwitchover: false,
    enableMigration: 'auto',
    afterSyncError: 'fail',
    giveUpAfterMs: 60_000,
    pageBytes: 4096,
    sections: [
      { of: 'ram', firstPage: 0, pages: 1000 },
      { of: 'ram', firstPage: 2000, pages: pages - 1000 },
      { of: 'pci', firstPage: 2 ** 33, pages: 1000 },
    ],
    containers: [
      {
        id: 'c0',
        iommuTracks: true,
        ...(type1 === undefined ? {} : { type1 }),
        devices: [{ id: 'nic0', features: 7, logsDma }],
      },
    ],
    deadlinesMs: {},
  });
}

test.each<[string, LoopName, number, object, number]>([
  ['8 TiB of 4 KiB pages', 'qemu-10.2', EIGHT_TIB_PAGES, { type1: true }, 0],
  ['a page more', 'qemu-10.2', EIGHT_TIB_PAGES + 1, { type1: true }, 1],
  ['a page more, later', 'qemu-11.1', EIGHT_TIB_PAGES + 1, { type1: true }, 1],
  ['a page more, before the blocker', 'qemu-9.2', EIGHT_TIB_PAGES + 1, { type1: true }, 0],
  ['a page more, and the device logs', 'qemu-10.2', EIGHT_TIB_PAGES + 1, { type1: true, logsDma: true }, 0],
  ['a page more with iommufd', 'qemu-10.2', EIGHT_TIB_PAGES + 1, {}, 0],
])('%s, %s: %i pages', (_, loop, pages, container, reasons) => {
  const found = blocked(loop, pages, container);
  expect(found).toHaveLength(reasons);
  for (const reason of found) expect(reason).toContain('type1');
});
