/**
 * A failure as a scenario file that a person can run, read and change: the smallest case that still fails, with the broken law
 * and the commands that make it happen again above it. Written beside and moved into place, so that it is never half there.
 */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeWhole } from '../whole-file.ts';
import { type Crash, momentText } from './case.ts';
import type { Found } from './check.ts';
import { LAW_TEXT } from './verdict.ts';

export interface WrittenFailure {
  readonly file: string;
  /** The command that makes it happen again, from the seed. */
  readonly again: string;
  /** The command that runs the file; undefined where a scenario cannot say all of it. */
  readonly run: string | undefined;
}

export function writeFailure(found: Found, folder: string): WrittenFailure {
  const file = found.job === 'seeds' ? `check-${found.one.seed}.yaml` : `check-exhaustive-${found.one.seed}.yaml`;
  const path = join(folder, file);
  const written = { file: path, ...commandsOf(found, file) };
  writeWhole(path, textOf(found, written));
  return written;
}

function commandsOf({ one, job, shrunk }: Found, file: string): Omit<WrittenFailure, 'file'> {
  const again =
    job === 'seeds' ? `switchover check --seed ${one.seed} --seeds 1` : 'switchover check --seeds 0 --exhaustive';
  const { crash, secondCrash, doubts, orders, pause, own, ownShadows, branch, neighbour } = shrunk.one;
  const sayable = [crash, secondCrash, doubts, orders, pause, own, ownShadows, branch, neighbour].every(
    (one) => one === undefined,
  );
  return { again, run: sayable ? `switchover run ${file}` : undefined };
}

function textOf({ shrunk }: Found, { again, run }: Omit<WrittenFailure, 'file'>): string {
  const { broken, one } = shrunk;
  const { crash, secondCrash, doubts, orders = [], pause, own, ownShadows = [], branch, neighbour } = one;
  const lines = [
    `Broken: ${LAW_TEXT[broken.law]}.`,
    `${broken.because}.`,
    `Found by:  ${again}`,
    ...(run === undefined ? [] : [`This file alone:  ${run}`]),
    ...[crash, secondCrash].flatMap((died) => (died === undefined ? [] : crashText(died))),
    ...orders.map(
      ({ order, device = '', after }) =>
        `A scenario cannot say: the operator orders ${`${order} ${device}`.trim()} ${momentText(after)}.`,
    ),
    ...(pause === undefined
      ? []
      : [`A scenario cannot say: ${pause.afterMs} ms after the switchover pauses the operator orders ${pause.order}.`]),
    ...(own === undefined ? [] : [`A scenario cannot say: the policy is the function "${own}" of the check's own.`]),
    ...ownShadows.map((name) => `A scenario cannot say: the function "${name}" of the check's own watches.`),
    ...(neighbour === undefined ? [] : ['A scenario cannot say: another migration leaves over the same link.']),
    ...(branch === undefined
      ? []
      : [`A scenario cannot say: after record ${branch.after} it goes on with ${JSON.stringify(branch.change)}.`]),
    ...(doubts === undefined ? [] : [`A scenario cannot say: a run that rests in doubt is ${doubts.join(', then ')}.`]),
  ];
  const comment = lines.flatMap((line) => line.split('\n')).map((line) => `# ${line}\n`);
  return `${comment.join('')}${stringify(one.input, { lineWidth: 0 })}`;
}

function crashText({ after, effects, deadMs }: Crash): readonly string[] {
  return [
    `A scenario cannot say: the orchestrator dies ${momentText(after)}, the effects of that record ${effects},`,
    `and another one takes the run up ${deadMs} ms later.`,
  ];
}
