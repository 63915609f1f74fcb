/** The scenarios that ship: all of them, found by name, read lazily, with the sizes that their sources give. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { pagesIn } from '../../../src/lab/scenario/places.ts';
import { readScenario } from '../../../src/lab/scenario/read.ts';
import { devicesOf, type Scenario } from '../../../src/lab/scenario/scenario.ts';
import { shippedFile } from '../../../src/lab/scenario/shipped-files.ts';
import { listScenarios, SHIPPED_NAMES, scenarios } from '../../../src/lab/shipped.ts';

describe('the scenarios that ship', () => {
  it('are the files of their folder, in alphabetical order', () => {
    // A policy's file stands beside the scenario that names it.
    const files = readdirSync(dirname(shippedFile('two-nics'))).filter((file) => file !== 'patient.mjs');
    expect(files.sort()).toEqual(SHIPPED_NAMES.map((name) => `${name}.yaml`).sort());
    expect([...SHIPPED_NAMES].sort()).toEqual(SHIPPED_NAMES);
    expect(Object.keys(scenarios)).toEqual(SHIPPED_NAMES);
  });

  it.each(SHIPPED_NAMES)('%s reads, is kept, and cannot be changed', (name) => {
    expect(scenarios[name]).toEqual(readScenario(name));
    expect(scenarios[name]).toBe(scenarios[name]);
    expect(Object.isFrozen(scenarios[name].vm)).toBe(true);
    expectTypeOf(scenarios[name]).toEqualTypeOf<Scenario>();
  });

  it.each(SHIPPED_NAMES)('%s says what it shows and where it comes from', (name) => {
    const text = readFileSync(shippedFile(name), 'utf8');
    const header = text.slice(0, text.indexOf('\nname:'));
    expect(header.split('\n').every((line) => line.startsWith('#'))).toBe(true);
    expect(header).toMatch(/^# yaml-language-server: \$schema=\.\.\/scenario\.schema\.json\n#\n# [A-Z0-9]/);
    expect(header).toMatch(/^# Source: /m);
  });

  it('are listed with one line each', () => {
    const list = listScenarios();
    expect(list.map(({ name }) => name)).toEqual(SHIPPED_NAMES);
    for (const { name, description } of list) {
      expect(description).toBe(scenarios[name].description);
      expect(description).toMatch(/^[^\n]{20,120}$/);
    }
  });

  // Measured on QEMU 7.2.22: query-migrate at the end of an idle guest's migration.
  it.each(['qemu-idle', 'qemu-8mib', 'qemu-32mib', 'qemu-unlimited'] as const)('%s is the measured guest', (name) => {
    const { vm, vmm } = scenarios[name];
    expect(pagesIn(vm.memoryBytes, vm.pageSizeBytes)).toBe(131_202);
    expect(pagesIn(vm.nonZeroBytes, vm.pageSizeBytes)).toBe(32_881);
    expect(vmm).toMatchObject({
      loop: 'qemu-7.2',
      downtimeLimitMs: 300,
      maxBandwidthBytesPerSecond: name === 'qemu-unlimited' ? 0 : 67_108_864,
    });
  });

  // Kevin Tian, qemu-devel, June 2017: 4 GB guest, "several hundred MBs", 10 Gb/s.
  it('vgpu-10g is the vGPU of 2017', () => {
    const { vm, link, vmm } = scenarios['vgpu-10g'];
    expect(vm).toMatchObject({ memoryBytes: 4_294_967_296, nonZeroBytes: 4_294_967_296 });
    expect(link.bandwidthBytesPerSecond).toBe(1_250_000_000);
    expect(vmm).toMatchObject({ loop: 'textbook', policy: { name: 'no-progress' }, maxBandwidthBytesPerSecond: 0 });
  });

  it.each([
    ['vgpu-10g', 350_000_000],
    ['vgpu-fits', 300_000_000],
    ['vgpu-hovers', 350_000_000],
    ['vgpu-never', 450_000_000],
  ] as const)('%s maps %d bytes', (name, mappedBytes) => {
    expect(devicesOf(scenarios[name])).toMatchObject([{ kind: 'vgpu', featureMask: 1, mappedBytes, scattered: true }]);
    const { vm } = scenarios[name];
    expect(vm).toEqual(scenarios['vgpu-10g'].vm);
  });

  it('differ where their names say so', () => {
    expect(devicesOf(scenarios['two-nics']).map(({ featureMask }) => featureMask)).toEqual([7, 7]);
    expect(devicesOf(scenarios['two-nics-no-p2p']).map(({ featureMask }) => featureMask & 2)).toEqual([2, 0]);
    expect(devicesOf(scenarios['one-without-logging']).map(({ dmaLogging }) => dmaLogging !== null)).toEqual([
      true,
      false,
    ]);
    expect(scenarios.perpetual.vmm.enableMigration).toBe('on');
    expect(scenarios['no-tracker'].vmm.enableMigration).toBe('auto');
    for (const name of ['perpetual', 'no-tracker'] as const) {
      expect(scenarios[name].containers).toMatchObject([
        { iommu: { dirtyTracking: false }, devices: [{ dmaLogging: null }] },
      ]);
    }
  });
});
