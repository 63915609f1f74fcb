/**
 * The command line: wiring only, and importing it does nothing. Each command is a file beside this one and loads what it
 * needs when it runs; results go to stdout, everything else to stderr; a user's mistake is one message and exit code 2, never
 * a stack trace.
 */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { benchCommand } from './bench.ts';
import { branchCommand } from './branch.ts';
import { checkCommand } from './check.ts';
import { compareCommand } from './compare.ts';
import { describeError } from './describe-error.ts';
import { drainCommand } from './drain.ts';
import { drawCommand } from './draw.ts';
import { importCommand } from './import.ts';
import { inspectCommand } from './inspect.ts';
import { listCommand } from './list.ts';
import { recommendCommand } from './recommend.ts';
import { recoverCommand } from './recover.ts';
import { replayCommand } from './replay.ts';
import { runCommand } from './run.ts';
import { sweepCommand } from './sweep.ts';
import { validateCommand } from './validate.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 the migration did not complete or an expectation was not met;
            2 wrong usage or scenario; 3 a replay diverged; 4 a journal is damaged; 130 interrupted.

switchover COMMAND --help has examples; switchover list scenarios says what there is to begin with.`;

export function program(): Command {
  const command = new Command('switchover')
    .description(
      'Rehearses, drives and explains live migrations of virtual machines that have passthrough (VFIO) devices.',
    )
    .version(VERSION)
    .showHelpAfterError('(switchover --help says more)')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  for (const add of [
    runCommand,
    compareCommand,
    sweepCommand,
    recommendCommand,
    checkCommand,
    replayCommand,
    recoverCommand,
    branchCommand,
    inspectCommand,
    drainCommand,
    drawCommand,
    listCommand,
    benchCommand,
    validateCommand,
    importCommand,
  ])
    add(command);
  // Commander gives a subcommand the settings of its parent only if it is made by it; ours are, and inherit exitOverride.
  return command;
}

export async function main(argv: readonly string[]): Promise<number> {
  process.exitCode = 0;
  try {
    await program().parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { message, exitCode } = describeError(error);
    process.stderr.write(`${message}\n`);
    return exitCode;
  }
}
