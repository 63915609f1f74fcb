/**
 * `tsx test/lab/check/judge-whole.ts CHECKED.json`: what CI's own check came to, in a line; and exit code 1, with what lacks,
 * where it found something or reached less than it must. The file is what `switchover check --json` prints.
 */
import { readFileSync } from 'node:fs';
import type { Checked } from '../../../src/lab/check/check.ts';
import { checkText } from '../../../src/lab/check/text.ts';
import { LEAST_IN_CI, lacks, reachText } from './enough.ts';

const [path = ''] = process.argv.slice(2);
const checked = JSON.parse(readFileSync(path, 'utf8')) as Checked & {
  readonly written: Parameters<typeof checkText>[1];
};
const lacking = lacks(checked.tally, LEAST_IN_CI);
if (checked.found.length > 0) process.stdout.write(checkText(checked, checked.written));
process.stdout.write(`${[reachText(checked.tally), ...lacking].join('\n')}\n`);
process.exitCode = checked.found.length > 0 || lacking.length > 0 ? 1 : 0;
