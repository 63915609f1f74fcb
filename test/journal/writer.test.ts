import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { isGone, type ProcessProbe, probeProcess, thisProcess, type Writer } from '../../src/journal/writer.ts';

const here: Writer = { host: 'kvm7', boot: 'b1', namespace: 'pid:[1]', pid: 100, started: '5000' };
const running =
  (started: string): ProcessProbe =>
  () => ({ started });
const absent: ProcessProbe = () => undefined;

describe('a writer is gone', () => {
  test.each<[string, Partial<Writer>, ProcessProbe, boolean]>([
    ['when there is no such process', { pid: 7 }, absent, true],
    ['not while it runs', { pid: 7, started: '9' }, running('9'), false],
    ['when its number is now that of a later process', { pid: 7, started: '9' }, running('11'), true],
    ['not when the system does not tell when processes start', { pid: 7, started: '' }, running('11'), false],
    ['when the host was started anew', { boot: 'b0' }, running('5000'), true],
    ['not when the system does not tell its starts apart', { boot: '' }, running('5000'), false],
    ['not for certain when it is on another host', { host: 'kvm8', boot: 'b0' }, absent, false],
    [
      "not for certain when it is in another container, whose processes can't be seen",
      { namespace: 'pid:[2]' },
      absent,
      false,
    ],
  ])('%s', (_, writer, probe, gone) => {
    expect(isGone({ ...here, ...writer }, here, probe)).toBe(gone);
  });
});

describe('on this system', () => {
  test('this process is there', () => {
    expect(isGone(thisProcess())).toBe(false);
    expect(thisProcess()).toMatchObject({ pid: process.pid });
  });

  test('a process that was ended is not', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const writer: Writer = { ...thisProcess(), pid: child.pid!, started: probeProcess(child.pid!)?.started ?? '' };
    expect(isGone(writer)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isGone(writer)).toBe(true);
  });
});
