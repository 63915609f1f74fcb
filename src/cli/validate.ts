/**
 * `switchover validate`: everything that was published, measured or can be computed on paper, run again and set beside it. Exit
 * code 1 where a figure is outside its stated tolerance.
 */
import type { Command } from 'commander';
import { showsProgress } from './terminal.ts';

interface ValidateOptions {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover validate
  $ switchover validate --json > figures.json`;

export function validateCommand(program: Command): void {
  program
    .command('validate')
    .description('hold the model to published figures, to closed forms and to measured migrations; it takes a minute')
    .option('--json', 'print every figure as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: ValidateOptions) => validateAll(options));
}

async function validateAll({ json }: ValidateOptions): Promise<void> {
  const { validate } = await import('../lab/validation/suite.ts');
  const shown = showsProgress();
  const validation = validate((done, all) => {
    if (shown) process.stderr.write(`\r${done} of ${all} groups`);
  });
  if (shown) process.stderr.write('\r\u001b[K');
  if (json === true) process.stdout.write(`${JSON.stringify(validation, null, 2)}\n`);
  else {
    const { validationText } = await import('../lab/validation/text.ts');
    process.stdout.write(validationText(validation));
  }
  process.exitCode = validation.held ? 0 : 1;
}
