/** `switchover run --policy` and `--shadow`: names, files, and every way in which a file is no policy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { smallInput } from '../lab/small-scenario.ts';
import { expectMistake, inProcess } from './switchover.ts';

const cwd = mkdtempSync(join(tmpdir(), 'run-policy-'));
afterAll(() => rmSync(cwd, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);

write('small.yaml', stringify(smallInput({ vmm: { downtimeLimit: '20ms' } })));
write('patient.mjs', readFileSync(new URL('../../src/lab/scenarios/patient.mjs', import.meta.url), 'utf8'));
write('common.js', 'module.exports = () => ({ verdict: "switchover", because: { atOnce: 1 } });');
const run = (...args: string[]) => inProcess(['run', 'small.yaml', '--json', ...args], { cwd });

test('a file decides and others watch, and the run is kept, replayed and made again', async () => {
  const shadows = ['--shadow', 'qemu', '--shadow', './common.js'];
  const { stdout, code } = await run('--policy', './patient.mjs', ...shadows, '--journal', 'runs.db');
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.vmm).toMatchObject({ policy: 'patient', parameters: { parameters: { patienceMs: 3000 } } });
  expect(report.shadows).toMatchObject([
    { policy: 'qemu' },
    { policy: 'common', wouldSwitchOver: { round: 1, because: { atOnce: 1 } } },
  ]);
  const again = await inProcess(['replay', 'runs.db', '--re-run'], { cwd });
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('replayed and re-run, every one as it was') });
});

test('a name decides, and a manager manages', async () => {
  expect(JSON.parse((await run('--policy', 'no-progress')).stdout).vmm.policy).toBe('no-progress');
  expect(JSON.parse((await run('--policy', 'nova')).stdout).manager.policy).toBe('nova');
});

test('without --json the report ends with how to run it again', async () => {
  const { stdout } = await inProcess(['run', 'small.yaml', '--policy', './patient.mjs', '--shadow', 'qemu'], { cwd });
  expect(stdout).toContain('--policy ./patient.mjs --shadow qemu --journal runs.db');
});

describe('what is no policy', () => {
  write('typed.ts', 'export const policy = () => ({ verdict: "continue" });');
  write('broken.mjs', 'export const policy = (');
  write('waits.mjs', 'export const policy = await Promise.resolve(() => ({}));');
  write('throws.mjs', "throw new Error('not today');");
  write('nothing.mjs', 'export const rule = 1;');
  write('number.mjs', 'export default 7;');
  write('role.mjs', 'export default { role: "king", machine: { config: {}, implementations: {}, transition() {} } };');
  write('defaults.mjs', 'export const parameters = [1];\nexport const policy = () => ({});');
  write('data.json', '{}');

  test.each<readonly [string, RegExp]>([
    ['./none.mjs', /^--policy: .*none\.mjs: no such file$/m],
    ['./typed.ts', /^--policy: .*typed\.ts is TypeScript, which plain Node does not load: compile it to \.mjs/m],
    ['./data.json', /^--policy: .*data\.json: expected a file that ends in \.mjs, \.js, \.cjs$/m],
    ['./broken.mjs', /^--policy: .*broken\.mjs cannot be loaded: \S/m],
    ['./waits.mjs', /^--policy: .*waits\.mjs cannot be loaded: it has an await outside of any function$/m],
    ['./throws.mjs', /^--policy: .*throws\.mjs cannot be loaded: not today$/m],
    ['./nothing.mjs', /^--policy: .*nothing\.mjs: it exports no policy: expected an export "policy"/m],
    ['./number.mjs', /^--policy: .*number\.mjs: it exports no policy/m],
    ['./role.mjs', /^--policy: .*role\.mjs: its role is "king": expected vmm or manager$/m],
    ['./defaults.mjs', /^--policy: .*defaults\.mjs: its export "parameters" is no mapping/m],
    ['qemv', /no policy "qemv"; did you mean qemu\?$/m],
  ])('%s', async (policy, message) => {
    expectMistake(await run('--policy', policy), message);
  });

  test('a manager is no shadow', async () => {
    expectMistake(
      await run('--shadow', 'kubevirt-stall'),
      /^--shadow: kubevirt-stall is a manager: a shadow must not/m,
    );
  });

  test('in a scenario the mistake has its line', async () => {
    const at = (policy: string) => `name: a\nvm: { memory: 1GiB }\nvmm:\n  policy: ${policy}\n`;
    const told = async (policy: string) => {
      write('own.yaml', at(policy));
      return inProcess(['run', 'own.yaml'], { cwd });
    };
    expectMistake(await told('{ file: ./none.mjs }'), /^own\.yaml:4: vmm\.policy\.file: .*none\.mjs: no such file$/m);
    expectMistake(
      await told('{ file: ./patient.mjs, patience: 3 }'),
      'own.yaml:4: vmm.policy.patience: unknown key; its parameters are patienceMs, worstMs',
    );
    expectMistake(await told('{ file: 7 }'), 'own.yaml:4: vmm.policy.file: expected the name of a file such as');
    expectMistake(
      await told(`{ file: ./patient.mjs, sha256: ${'0'.repeat(64)} }`),
      /^own\.yaml:4: vmm\.policy\.sha256: .*patient\.mjs holds something else: its SHA-256 is \w{64}$/m,
    );
    write('manages.yaml', 'name: a\nvm: { memory: 1GiB }\nmanager: { file: ./patient.mjs }\n');
    expectMistake(
      await inProcess(['run', 'manages.yaml'], { cwd }),
      'manages.yaml:3: manager.file: patient is no manager: a manager is a chart',
    );
  });
});
