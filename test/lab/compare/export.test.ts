/** Settings as other systems take them: texts that those systems' own formats can read, and what has no key is said. */
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { exportText } from '../../../src/lab/compare/export/export.ts';
import { EXPORTS, type ExportName } from '../../../src/lab/compare/export/targets.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import type { Change } from '../../../src/lab/trial/policy-choice.ts';
import { scenarioOf } from '../../../src/lab/trial/trial.ts';

const scenario: ScenarioInput = {
  name: 'Two hosts, 1 VM',
  vm: { memory: '64MiB' },
  vmm: { loop: 'qemu-10.2', downtimeLimit: '300ms', maxBandwidth: 'unlimited' },
};

function exported(system: ExportName, policy: string, set: readonly Change[] = []) {
  return exportText(system, policy, scenarioOf({ scenario, policy, set }));
}

function textOf(system: ExportName, policy: string, set: readonly Change[] = []): string {
  const made = exported(system, policy, set);
  if ('problem' in made) throw new Error(made.problem);
  return made.text;
}

/** An INI file as oslo.config reads it: sections, `key = value`, comments of whole lines. */
function ini(text: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  let section: Record<string, string> | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+) = (\S+)$/.exec(line) ?? [];
    if (name !== undefined) section = sections[name] = {};
    else if (section !== undefined && key !== undefined && value !== undefined) section[key] = value;
    else throw new Error(`no line of an INI file: ${line}`);
  }
  return sections;
}

describe('nova', () => {
  test('is the section libvirt of nova.conf', () => {
    expect(ini(textOf('nova', 'nova'))).toEqual({
      libvirt: {
        live_migration_downtime: '500',
        live_migration_downtime_steps: '10',
        live_migration_downtime_delay: '75',
        live_migration_completion_timeout: '800',
        live_migration_timeout_action: 'abort',
        live_migration_permit_post_copy: 'false',
        live_migration_permit_auto_converge: 'false',
        live_migration_bandwidth: '0',
      },
    });
  });
  test('rounds what is in whole units, and says what there is no key for', () => {
    const text = textOf('nova', 'nova+auto-converge', [
      ['manager.downtimeDelay', '3500ms'],
      ['manager.poll', '1s'],
      ['vmm.maxBandwidth', '1Gbit/s'],
      ['vmm.autoConverge', { max: '80%' }],
    ]);
    expect(ini(text).libvirt).toMatchObject({
      live_migration_downtime_delay: '4',
      live_migration_bandwidth: '119',
      live_migration_permit_auto_converge: 'true',
    });
    expect(text).toContain('# live_migration_downtime_delay is in whole seconds: 3500 ms rounded up to 4 s');
    expect(text).toContain('# live_migration_bandwidth is in whole MiB/s: 1 Gbit/s rounded to 119 MiB/s');
    expect(text).toContain('# nova, pollMs = 1000: there is no key for it');
    expect(text).toContain('# max-cpu-throttle = 80: there is no key for it');
    expect(text).toMatch(/^# a downtime limit of its own .* there is no key for it, the first step sets 50 ms$/m);
  });
});

describe('kubevirt', () => {
  test('is a MigrationPolicy', () => {
    const set = [['vmm.maxBandwidth', '64MiB/s']] as const;
    expect(parse(textOf('kubevirt', 'kubevirt-legacy', set))).toEqual({
      apiVersion: 'migrations.kubevirt.io/v1alpha1',
      kind: 'MigrationPolicy',
      metadata: { name: 'two-hosts-1-vm-kubevirt-legacy' },
      spec: {
        selectors: { virtualMachineInstanceSelector: { 'migration-policy': 'two-hosts-1-vm-kubevirt-legacy' } },
        allowAutoConverge: false,
        allowPostCopy: false,
        bandwidthPerMigration: '64Mi',
        completionTimeoutPerGiB: 150,
        allowWorkloadDisruption: false,
      },
    });
  });
  test('and the cluster has what a policy has no key for', () => {
    const set = [['manager.progressTimeout', '90s']] as const;
    const [, cluster] = parseAllDocuments(textOf('kubevirt', 'kubevirt-legacy', set)).map((one) => one.toJS());
    expect(cluster).toMatchObject({
      kind: 'KubeVirt',
      spec: { configuration: { migrations: { progressTimeout: 90 } } },
    });
  });
  test.each([
    [
      'kubevirt-stall',
      'MigrationStallDetection',
      { stallDetector: { stallMargin: 4, stallProgressTimeout: 40, completionTimeoutFactor: '2' } },
    ],
    ['kubevirt-downtime-tuning', 'MigrationDowntimeTuning', { downtimeTuning: { initialMs: 150, steps: 7 } }],
  ] as const)('%s needs its gate', (policy, gate, experimental) => {
    const [own, cluster] = parseAllDocuments(textOf('kubevirt', policy)).map((one) => one.toJS());
    expect(own).toMatchObject({ spec: { maxDowntimeMs: 900, experimental } });
    expect(cluster.spec.configuration.developerConfiguration.featureGates).toEqual([gate]);
  });
  test('has post-copy only where the workload may be disrupted', () => {
    const refused = textOf('kubevirt', 'kubevirt-legacy', [['vmm.postcopy', true]]);
    expect(parse(refused).spec.allowPostCopy).toBe(false);
    expect(refused).toMatch(/^# post-copy is on.*allowWorkloadDisruption$/m);
    const set = [['vmm.postcopy', true] as const, ['manager.allowWorkloadDisruption', true] as const];
    expect(parse(textOf('kubevirt', 'kubevirt-legacy', set)).spec).toMatchObject({
      allowPostCopy: true,
      allowWorkloadDisruption: true,
    });
  });
});

test('virsh is the commands', () => {
  expect(textOf('virsh', 'libvirt', [['manager.timeout', '90s']])).toMatch(
    /^virsh migrate --live --timeout 90 --timeout-suspend "\$DOMAIN" "\$DESTURI"$/m,
  );
  const set = [
    ['vmm.downtimeLimit', '500ms'],
    ['vmm.maxBandwidth', '100MiB/s'],
    ['vmm.autoConverge', { initial: '30%', tailslow: true }],
  ] as const;
  const text = textOf('virsh', 'auto-converge', set);
  expect(text).toContain('--bandwidth 100 --auto-converge --auto-converge-initial 30 --auto-converge-increment 10 ');
  expect(text).toMatch(/^virsh migrate-setmaxdowntime "\$DOMAIN" 500$/m);
  expect(text).toContain('# cpu-throttle-tailslow = true: there is no key for it');
  expect(textOf('virsh', 'post-copy')).toContain('--postcopy --postcopy-after-precopy');
});

test('ch-remote is the parameters of send-migration', () => {
  const set = [['vmm.downtimeLimit', '200ms'] as const, ['vmm.maxBandwidth', '1Gbit/s'] as const];
  const text = textOf('ch-remote', 'cloud-hypervisor', set);
  expect(text).toContain('"destination_url=tcp:$HOST:$PORT,downtime_ms=200,timeout_s=3600,timeout_strategy=cancel"');
  expect(text).toContain('# a bandwidth limit of 1 Gbit/s: there is no key for it');
});

test.each([
  ['kubevirt', 'nova', /nova is the manager nova, which KubeVirt is not; KubeVirt can run kubevirt-legacy, /],
  ['kubevirt', 'qemu', /KubeVirt has a rule of its own above QEMU's.*can run kubevirt-legacy/],
  ['nova', 'no-progress', /by the rule no-progress, which is not QEMU's; Nova can run nova/],
  ['virsh', 'cloud-hypervisor', /on the loop cloud-hypervisor, and virsh drives QEMU; virsh can run qemu, libvirt/],
  ['ch-remote', 'qemu', /by the rule qemu; Cloud Hypervisor can run cloud-hypervisor/],
] as const)('%s cannot run %s, and says what it can', (system, policy, message) => {
  const made = exported(system, policy);
  expect('problem' in made ? made.problem : made.text).toMatch(message);
});

test('every system ends its text with a line end and has no line but its own and comments', () => {
  const policies = {
    kubevirt: 'kubevirt-stall',
    nova: 'nova',
    virsh: 'qemu',
    'ch-remote': 'cloud-hypervisor',
  } as const;
  for (const system of EXPORTS)
    expect(textOf(system, policies[system])).toMatch(/^# .*Two hosts, 1 VM.*\n(.*\n)*.+\n$/);
});
