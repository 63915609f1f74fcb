/** Each mistake in a scenario file, and exactly what its author is told. The file is long because there are so many. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PROBLEMS_MAX, ScenarioError } from '../../../src/lab/scenario/error.ts';
import { parseScenario, readScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';

/** The user that owns nothing, by the customary number. */
const NOBODY = 65_534;

function errorOf(run: () => unknown): ScenarioError {
  try {
    run();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const told = (text: string) => errorOf(() => parseScenario(text, 'a.yaml')).message;

/** `vm.workloads[0]` with this text, on line 4. */
const inWorkload = (text: string) => `name: a\nvm:\n  memory: 1GiB\n  workloads: [{ ${text} }]\n`;
/** `containers[0].devices[0]` with this text, on line 6. */
const inDevice = (text: string) =>
  `name: a\nvm: { memory: 1GiB }\ncontainers:\n  - iommu: { kind: type1 }\n    devices:\n      - { ${text} }\n`;
const inVmm = (text: string) => `name: a\nvm: { memory: 1GiB }\nvmm: { ${text} }\n`;
const NIC = 'id: n, kind: nic, features: [stop-copy], state: { stopCopy: 1MiB }';

describe('a value that is not what its key takes', () => {
  it.each([
    [
      inWorkload('kind: random, set: 64MiB, rate: 20k'),
      'a.yaml:4: vm.workloads[0].rate: expected a rate such as 20k/s, got "20k"',
    ],
    [
      inWorkload('kind: random, set: 64MiB, rate: 20000'),
      'a.yaml:4: vm.workloads[0].rate: expected a rate such as 20k/s, got 20000',
    ],
    [
      inWorkload('kind: random, set: 64MiB'),
      'a.yaml:4: vm.workloads[0].rate: expected a rate such as 20k/s, but it is missing',
    ],
    [
      inWorkload('kind: random, set: 64MiB, rate: -5'),
      'a.yaml:4: vm.workloads[0].rate: expected a rate such as 20k/s, got -5; it cannot be negative',
    ],
    [
      inWorkload('kind: random, set: 64M, rate: 5/s'),
      'a.yaml:4: vm.workloads[0].set: expected a size such as 16GiB, got "64M"; write 64MiB (binary) or 64MB (decimal)',
    ],
    [
      inWorkload('kind: random, set: .nan, rate: 5/s'),
      'a.yaml:4: vm.workloads[0].set: expected a size such as 16GiB, got NaN',
    ],
    [
      inWorkload('kind: random, set: 9PiB, rate: 5/s'),
      'a.yaml:4: vm.workloads[0].set: expected a size such as 16GiB, got "9PiB"; the largest is 9007199254740991B',
    ],
    [
      inWorkload('kind: random, set: 1MiB, rate: 5/s, vcpus: 3-1'),
      'a.yaml:4: vm.workloads[0].vcpus: expected a set of vCPUs such as 0-3,6, got "3-1"; 3-1 runs backwards',
    ],
    [
      inWorkload('kind: curve, points: [[1]]'),
      'a.yaml:4: vm.workloads[0].points[0]: expected a point [time, pages] such as [100, 5000] or [100ms, 20MiB], got [1]',
    ],
    [inWorkload('kind: curve, points: 3'), 'a.yaml:4: vm.workloads[0].points: expected a list, got 3'],
    [
      inWorkload('kind: randm'),
      'a.yaml:4: vm.workloads[0].kind: expected idle, random, zipf, cycle, sequential, curve, phases or trace, got "randm"; did you mean random?',
    ],
    [
      inWorkload('set: 1MiB'),
      'a.yaml:4: vm.workloads[0].kind: expected idle, random, zipf, cycle, sequential, curve, phases or trace, but it is missing',
    ],
    ['name: a\nvm:\n  memory:\n', 'a.yaml:3: vm.memory: expected a size such as 16GiB, but it is empty'],
    ['name: a\nvm:\n  vcpus: 2\n', 'a.yaml:2: vm.memory: expected a size such as 16GiB, but it is missing'],
    ['name: a\n', 'a.yaml:1: vm: expected a mapping, but it is missing'],
    ['name: a\nvm: [1]\n', 'a.yaml:2: vm: expected a mapping, got [1]'],
    ['vm: { memory: 1GiB }\n', 'a.yaml:1: name: expected a text such as "two NICs on 25 Gb/s", but it is missing'],
    ['name: ""\nvm: { memory: 1GiB }\n', 'a.yaml:1: name: expected a text such as "two NICs on 25 Gb/s", got ""'],
    [
      'name: a\nvm: { memory: 1GiB, pageSize: 8KiB }\n',
      'a.yaml:2: vm.pageSize: expected 4KiB, 16KiB or 64KiB, got "8KiB"',
    ],
    ['name: a\nvm: { memory: 1GiB, vcpus: 0 }\n', 'a.yaml:2: vm.vcpus: expected a whole number from 1 to 4096, got 0'],
    [
      'name: a\nvm: { memory: 1GiB, dirtyLog: rings }\n',
      'a.yaml:2: vm.dirtyLog: expected bitmap, bitmap-manual, pml, ring or range-ring, got "rings"; did you mean ring?',
    ],
    [
      'name: a\nvm: { memory: 1GiB, dirtyLog: ring, kvm: { ringEntries: 512 } }\n',
      'a.yaml:2: vm.kvm.ringEntries: KVM refuses 512 (EINVAL): a power of two, at least a page and 576 entries of reserve, at most 65536',
    ],
    [
      'name: a\nvm: { memory: 1GiB, dirtyLog: ring, kvm: { ringEntries: 131072, reapEvery: 0 } }\n',
      'a.yaml:2: vm.kvm.ringEntries: KVM refuses 131072 (E2BIG): a power of two, at least a page and 576 entries of reserve, at most 65536\na.yaml:2: vm.kvm.reapEvery: must be longer than 0',
    ],
    [
      'name: a\nvm: { memory: 1GiB, dirtyLog: bitmap-manual, kvm: { clearChunk: 100KiB } }\n',
      'a.yaml:2: vm.kvm.clearChunk: CLEAR takes multiples of 64 pages, which is 256KiB',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nseed: 1.5\n',
      'a.yaml:3: seed: expected a whole number from 0 to 4294967295, got 1.5',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\ngiveUpAfter: 60\n',
      'a.yaml:3: giveUpAfter: expected a duration such as 300ms, got 60',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nlink: { bandwidth: 10Gb/s }\n',
      'a.yaml:3: link.bandwidth: expected a bandwidth such as 10Gbit/s, got "10Gb/s"; write 10Gbit/s for bits or 10GB/s for bytes',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nexpect: { downtimeMs: { max: 300ms } }\n',
      'a.yaml:3: expect.downtimeMs.max: expected a number such as 300, got "300ms"',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\ndeadlines: { sendRond: 1s }\n',
      'a.yaml:3: deadlines.sendRond: unknown key; did you mean sendRound?',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: nowa }\n',
      'a.yaml:3: manager.policy: expected none, libvirt, nova, kubevirt-legacy, kubevirt-downtime-tuning, kubevirt-stall, ovirt-minimal-downtime, ovirt-suspend-if-needed, ovirt-post-copy, vdsm-exponential or proxmox, got "nowa"; did you mean nova?',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: nova, pol: 1s }\n',
      'a.yaml:3: manager.pol: unknown key; did you mean poll?',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: nova, downtime: 50ms }\n',
      'a.yaml:3: manager.downtime: must be 100ms or more',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: nova, downtime: 500.5ms }\n',
      'a.yaml:3: manager.downtime: QEMU takes whole milliseconds up to 2000s as a downtime limit',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: nova, timeoutAction: stop }\n',
      'a.yaml:3: manager.timeoutAction: expected abort or force_complete, got "stop"',
    ],
    [
      'name: a\nvm: { memory: 1GiB }\nmanager: { policy: ovirt-post-copy }\n',
      'a.yaml:3: manager.policy: ovirt-post-copy starts post-copy, which needs vmm.postcopy: true',
    ],
    [
      inVmm('loop: qemu-8.1'),
      'a.yaml:3: vmm.loop: expected qemu-7.2, qemu-8.0, qemu-8.2, qemu-9.2, qemu-10.2, qemu-11.1, textbook, xen or cloud-hypervisor, got "qemu-8.1"; did you mean qemu-8.0?',
    ],
    [
      inVmm('policy: no-progres'),
      'a.yaml:3: vmm.policy: expected qemu, no-progress, predictor, xen-2004, xen-legacy, xen-now, cloud-hypervisor, cloud-hypervisor-old, cloud-hypervisor-auto-converge, hyper-v, vmware-sdps, stop-and-copy, detach-reattach or vgpu-unbounded, got "no-progres"; did you mean no-progress?',
    ],
    [
      inVmm('policy: { name: no-progress, shrink: 5 }'),
      'a.yaml:3: vmm.policy.shrink: expected a percentage such as 20%, got 5',
    ],
    [
      inVmm('policy: { name: dirty-limit }'),
      'a.yaml:3: vmm.policy.name: "dirty-limit" is not in this version; available: qemu, no-progress, predictor, xen-2004, xen-legacy, xen-now, cloud-hypervisor, cloud-hypervisor-old, cloud-hypervisor-auto-converge, hyper-v, vmware-sdps, stop-and-copy, detach-reattach, vgpu-unbounded',
    ],
    [inVmm('downtimeLimit: 300'), 'a.yaml:3: vmm.downtimeLimit: expected a duration such as 300ms, got 300'],
    [
      inVmm('maxBandwidth: 100'),
      'a.yaml:3: vmm.maxBandwidth: expected unlimited or a data rate such as 1GiB/s, got 100',
    ],
    [inVmm('switchoverAck: yes'), 'a.yaml:3: vmm.switchoverAck: expected true or false, got "yes"'],
    [inVmm('xbzrle: true'), 'a.yaml:3: vmm.xbzrle: not in this version'],
    [inVmm('downtimelimit: 300ms'), 'a.yaml:3: vmm.downtimelimit: unknown key; did you mean downtimeLimit?'],
    [
      inVmm('colour: red'),
      'a.yaml:3: vmm.colour: unknown key; known keys: loop, policy, downtimeLimit, maxBandwidth, postcopy, autoConverge, dirtyLimit, steppedThrottle, multifd, tls, compression, maxPostcopyBandwidth, availSwitchoverBandwidth, switchoverAck, enableMigration, pauseBeforeSwitchover, afterSyncError, ranges',
    ],
    [
      inVmm('__proto__: 1'),
      'a.yaml:3: vmm.__proto__: unknown key; known keys: loop, policy, downtimeLimit, maxBandwidth, postcopy, autoConverge, dirtyLimit, steppedThrottle, multifd, tls, compression, maxPostcopyBandwidth, availSwitchoverBandwidth, switchoverAck, enableMigration, pauseBeforeSwitchover, afterSyncError, ranges',
    ],
    [
      inDevice(`${NIC}, mapped: 1MiB`),
      'a.yaml:6: containers[0].devices[0].mapped: unknown key; only kind: vgpu has it',
    ],
    [
      inDevice('id: g, kind: vgpu, features: [stop-copy], state: { stopCopy: 1MiB }, mapped: 1MiB, dma: {}'),
      'a.yaml:6: containers[0].devices[0].dma: unknown key; only kind: nic, nvme, accelerator, guest-cooperative or custom has it',
    ],
    [
      inDevice('id: g, kind: vgpu, features: [stop-copy], state: { stopCopy: 1MiB }'),
      'a.yaml:6: containers[0].devices[0].mapped: expected a size such as 16GiB, but it is missing',
    ],
    [
      inDevice(NIC.replace('id: n', 'id: NIC_0')),
      'a.yaml:6: containers[0].devices[0].id: expected a name of lower-case letters, digits and hyphens such as nic0, got "NIC_0"',
    ],
    [
      inDevice(NIC.replace('stop-copy', 'p2p')),
      'a.yaml:6: containers[0].devices[0].features: expected stop-copy among the features such as [stop-copy, p2p], got [p2p]',
    ],
    [
      inDevice(NIC.replace('stop-copy', 'stopcopy')),
      'a.yaml:6: containers[0].devices[0].features[0]: expected stop-copy, p2p or pre-copy, got "stopcopy"; did you mean stop-copy?',
    ],
    [
      inDevice(`${NIC}, dmaLogging: 255`),
      'a.yaml:6: containers[0].devices[0].dmaLogging: expected true or false, got 255',
    ],
    [
      inDevice(`${NIC}, dmaLogging: { ranges: 1000 }`),
      'a.yaml:6: containers[0].devices[0].dmaLogging.ranges: expected a whole number from 1 to 256, got 1000',
    ],
    [
      inDevice(NIC.replace('stopCopy: 1MiB', '')),
      'a.yaml:6: containers[0].devices[0].state.stopCopy: expected a size such as 16GiB, but it is missing',
    ],
  ])('%j', (text, message) => {
    expect(told(text)).toBe(message);
  });

  it('carries file, line, column, path, expectation and example', () => {
    const error = errorOf(() => parseScenario(inWorkload('kind: random, set: 64MiB, rate: 20k'), 'vgpu.yaml'));
    expect(error.exitCode).toBe(2);
    expect(error.problems).toEqual([
      {
        file: 'vgpu.yaml',
        line: 4,
        column: 49,
        path: 'vm.workloads[0].rate',
        message: 'expected a rate such as 20k/s, got "20k"',
        expected: 'a rate',
        example: '20k/s',
      },
    ]);
  });

  it('names no line for an object', () => {
    const error = errorOf(() => scenarioFrom({ name: 'a', vm: { memory: -1 } }));
    expect(error.message).toBe('scenario: vm.memory: expected a size such as 16GiB, got -1; it cannot be negative');
    expect(error.problems[0]).toMatchObject({ file: null, line: null, column: null });
  });

  it('points into JSON by line as well', () => {
    expect(
      errorOf(() => parseScenario('{\n\t"name": "a",\n\t"vm": {\n\t\t"memory": "1G"\n\t}\n}\n', 'a.json')).problems[0],
    ).toMatchObject({
      file: 'a.json',
      line: 4,
      path: 'vm.memory',
    });
  });

  it('points through an alias', () => {
    const text =
      'name: a\nvm: { memory: &m 1GiB }\nhosts: { source: &h { resume: 5s } }\ncontainers: []\nstorage: *h\n';
    expect(told(text)).toBe(
      [
        'a.yaml:3: hosts.source.resume: unknown key; did you mean resumeVcpus?',
        'a.yaml:3: storage.resume: unknown key; known keys: release, acquire',
      ].join('\n'),
    );
  });

  it('reports several together, in the order of the text', () => {
    expect(told('vm:\n  memory: 16G\n  memry: 1\nlink: { latency: 5 }\nname: 3\n')).toBe(
      [
        'a.yaml:2: vm.memory: expected a size such as 16GiB, got "16G"; write 16GiB (binary) or 16GB (decimal)',
        'a.yaml:3: vm.memry: unknown key; did you mean memory?',
        'a.yaml:4: link.latency: expected a duration such as 300ms, got 5',
        'a.yaml:5: name: expected a text such as "two NICs on 25 Gb/s", got 3',
      ].join('\n'),
    );
  });

  it('reports ten at most, and how many more there are', () => {
    const strange = Array.from({ length: 13 }, (_, index) => `key-${index}: 1\n`).join('');
    const error = errorOf(() => parseScenario(`name: a\nvm: { memory: 1GiB }\n${strange}`, 'a.yaml'));
    expect(error.problems).toHaveLength(PROBLEMS_MAX);
    expect(error.omitted).toBe(3);
    expect(error.message.split('\n').at(-1)).toBe('and 3 more');
  });
});

describe('a text that cannot be read', () => {
  const bomb = `a: &a [${'1,'.repeat(9)}1]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]\n`;
  it.each([
    ['empty', '', 'a.yaml: the file is empty; a scenario has at least name and vm'],
    ['comments only', '# nothing\n\n', 'a.yaml: the file is empty; a scenario has at least name and vm'],
    ['an explicit null', '~\n', 'a.yaml: the file is empty; a scenario has at least name and vm'],
    ['half a mapping', 'name: a\nvm: { memory: 1GiB', 'a.yaml:2: a { is not closed by a }'],
    ['half a list', 'name: a\nvm: { memory: 1GiB, workloads: [', 'a.yaml:2: a [ is not closed by a ]'],
    [
      'half a block list',
      'name: a\nvm:\n  workloads: [{ kind: idle },\nlink: {}\n',
      'a.yaml:4: a [ is not closed by a ]',
    ],
    ['half a text', 'name: "a', 'a.yaml:1: a quote is not closed'],
    [
      'ragged indentation',
      'name: a\nvm:\n    memory: 1GiB\n  vcpus: 1\n',
      'a.yaml:4: not readable as YAML: All mapping items must start at the same column',
    ],
    ['a tab', 'name: a\nvm:\n\tmemory: 1GiB\n', 'a.yaml:3: a tab indents this line; YAML is indented with spaces'],
    [
      'a key twice',
      'name: a\nvm: { memory: 1GiB }\nname: b\n',
      'a.yaml:3: the key name stands twice in the same mapping',
    ],
    [
      'a key twice in JSON',
      '{ "name": "a",\n "name": "b" }',
      'a.yaml:2: the key "name" stands twice in the same mapping',
    ],
    ['two colons', 'name: two: three\n', 'a.yaml:1: a second ": " on this line; a text that contains one needs quotes'],
    ['two documents', 'name: a\n---\nname: b\n', 'a.yaml:2: a second document begins here; a file holds one scenario'],
    [
      'an unknown alias',
      'name: *x\n',
      'a.yaml: cannot be read: Unresolved alias (the anchor must be set before the alias): x',
    ],
    ['a billion laughs', bomb, 'a.yaml: cannot be read: Excessive alias count indicates a resource exhaustion attack'],
    ['an unknown tag', 'name: !secret a\n', 'a.yaml:1: not readable as YAML: Unresolved tag: !secret'],
    ['a list as a key', 'name: a\n? [1, 2]\n: 3\n', 'a.yaml:2: a key must be a word'],
    ['a list', '- name: a\n', 'a.yaml:1: not a scenario: this is a list; a scenario is a mapping with name and vm'],
    ['a word', 'hello\n', 'a.yaml:1: not a scenario: this is "hello"; a scenario is a mapping with name and vm'],
    [
      'another kind of file',
      'services:\n  web: {}\nvolumes: {}\n',
      'a.yaml:1: not a scenario: none of its keys is known; a scenario is a mapping with name and vm',
    ],
  ])('%s', (_, text, message) => {
    expect(told(text)).toBe(message);
  });

  it('is refused, not a crash, when it is nested very deeply', () => {
    expect(told(`name: ${'['.repeat(100_000)}`)).toMatch(/^a\.yaml(:1)?: /);
  });
});

describe('a file that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const toldOf = (path: string) => errorOf(() => readScenario(path)).message;

  it('is missing', () => {
    expect(toldOf(join(folder, 'none.yaml'))).toBe(`${join(folder, 'none.yaml')}: no such file`);
  });

  it('looks like a scenario that ships', () => {
    expect(toldOf('vgpu10g')).toBe('vgpu10g: no such file, and no scenario of this name ships; did you mean vgpu-10g?');
    expect(toldOf('nonsense')).toMatch(
      /^nonsense: no such file, and no scenario of this name ships; these ship: accelerator, ack-waits, /,
    );
  });

  it('is a directory', () => {
    mkdirSync(join(folder, 'd'));
    expect(toldOf(join(folder, 'd'))).toBe(
      `${join(folder, 'd')}: is a directory; name one file, or a scenario that ships`,
    );
  });

  it('is binary', () => {
    for (const bytes of [Uint8Array.of(0x6e, 0, 0x61), Uint8Array.of(0xff, 0xfe, 0x41)]) {
      const path = file('binary', bytes);
      expect(toldOf(path)).toBe(`${path}: is not a text file (UTF-8)`);
    }
  });

  it('is far too large', () => {
    const path = file('large.yaml', `name: a\n${'#'.repeat(2 ** 20)}`);
    expect(toldOf(path)).toBe(`${path}: is 1048584 bytes; a scenario has at most 1048576`);
  });

  it('leads nowhere', () => {
    const path = join(folder, 'loop.yaml');
    symlinkSync(path, path);
    expect(toldOf(path)).toBe(`${path}: cannot be read (ELOOP)`);
  });

  it('may not be read', () => {
    const path = file('closed.yaml', 'name: a\n');
    chmodSync(path, 0);
    // Root may read everything: it stands aside for the length of one call.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      expect(toldOf(path)).toBe(`${path}: may not be read (permission denied)`);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('is read when it is right, with a byte order mark and CRLF', () => {
    const path = file('right.yaml', '\uFEFFname: a\r\nvm: { memory: 1GiB }\r\n');
    expect(readScenario(path)).toEqual(scenarioFrom({ name: 'a', vm: { memory: '1GiB' } }));
  });
});
