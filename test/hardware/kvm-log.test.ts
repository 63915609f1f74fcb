import { expect, test } from 'vitest';
import { KvmLog } from '../../src/hardware/kvm-log.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { WriteSource } from '../../src/streams/page-writes.ts';

const written = (source: WriteSource, ...pages: number[]) =>
  ({ fromNs: 0, toNs: 1, source, form: 'list', pages: Uint32Array.from(pages) }) as const;

test('sees vCPUs and nobody else', () => {
  const log = new KvmLog(new PageBitmap(100));
  log.start();
  log.receive(written('vcpu:0', 1));
  log.receive(written('vcpu:1-3', 2));
  log.receive(written('dma:nic0', 3));
  log.receive(written('host:vhost', 4));
  const into = new PageBitmap(100);
  expect(log.get(into)).toEqual({ dirtyPages: 2, newPages: 2 });
  expect([1, 2, 3, 4].map((page) => into.get(page))).toEqual([true, true, false, false]);
});

test('GET takes: a second one finds what was written since, and only adds', () => {
  const log = new KvmLog(new PageBitmap(100));
  log.start();
  log.receive(written('vcpu:0', 1, 2));
  const into = new PageBitmap(100);
  log.get(into);
  log.receive(written('vcpu:0', 2, 3));
  expect(log.get(into)).toEqual({ dirtyPages: 2, newPages: 1 });
  expect(log.get(into)).toEqual({ dirtyPages: 0, newPages: 0 });
  expect(into.count).toBe(3);
});

test('starting is a fresh epoch; while on it changes nothing; off it logs nothing', () => {
  const log = new KvmLog(new PageBitmap(100));
  const into = new PageBitmap(100);
  log.receive(written('vcpu:0', 1));
  expect(log.get(into)).toEqual({ errno: 'ENOENT' });
  log.start();
  expect(log.dirtyPages).toBe(0);
  log.receive(written('vcpu:0', 1));
  log.start();
  expect(log.dirtyPages).toBe(1);
  log.stop();
  log.receive(written('vcpu:0', 2));
  log.start();
  expect(log.get(into)).toEqual({ dirtyPages: 0, newPages: 0 });
});

test('the first write of a page after each protection faults, and its vCPU pays', () => {
  const log = new KvmLog(new PageBitmap(100));
  log.start();
  log.receive(written('vcpu:0', 1, 2, 1));
  log.receive(written('vcpu:0', 1));
  log.receive(written('vcpu:1', 2, 3));
  expect(Object.fromEntries(log.faults)).toEqual({ 'vcpu:0': 2, 'vcpu:1': 1 });
  log.get(new PageBitmap(100));
  log.receive(written('vcpu:0', 1));
  expect(log.faults.get('vcpu:0')).toBe(3);
});
