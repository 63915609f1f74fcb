/**
 * `switchover inspect [JOURNAL...]`: a page in which runs are watched, from journals or live, and charts are walked through.
 *
 * A server on loopback gives the page to a browser on this machine until Ctrl-C; `--export` writes the page of one run as a file
 * that works from disk instead. What is named is told apart by its content, and by the extension of a module.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { paceFactor } from './chosen-scenario.ts';
import type { Inspection, InspectOptions } from './inspection.ts';
import { collected } from './set-option.ts';
import { wholeNumber } from './whole-number.ts';

const EXAMPLES = `
Examples:
  $ switchover inspect --live vgpu-10g --pace 2x
  $ switchover inspect runs.db --run vgpu-on-10-gb-s-1
  $ switchover inspect before.ndjson after.ndjson
  $ switchover inspect runs.db --run two-nics-on-25-gb-s-1 --export two-nics.html
  $ switchover inspect ./my-machine.ts#checkout
  $ switchover inspect`;

const NOTHING_SAID = { run: [], set: [] } as const;
const INTERRUPTED = 130;

export function inspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('watch runs and walk through charts in a page of this machine, or write the page of a run to a file')
    .argument(
      '[journal...]',
      'SQLite journals, NDJSON exports, modules with an XState machine, or names of charts; all charts if none',
    )
    .option('--run <name>', 'which run of the journals; may be said again; all of them unless given', collected)
    .option('--live <scenario>', 'rehearse this scenario and watch it while it runs')
    .option('--seed <n>', "of the live run, in place of the scenario's own", wholeNumber)
    .option(
      '--pace <factor>',
      'of the live run, virtual time against wall time: 1x (unless given), 10x, 0.5x, or max',
      paceFactor,
    )
    .option('--policy <name|file>', "of the live run, in place of the scenario's own (switchover list policies)")
    .option('--set <key=value>', 'what is other in the live scenario; may be said again', collected)
    .option('--journal <file>', 'keep the live run in this SQLite file')
    .option('--port <n>', 'listen here, on 127.0.0.1; any free port unless given', portNumber)
    .option('--no-open', 'do not open a browser')
    .option('--export <file>', 'write one run as an HTML file that needs no server and no network')
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: InspectOptions) => inspect(paths, { ...NOTHING_SAID, ...options }));
}

async function inspect(paths: readonly string[], options: InspectOptions): Promise<void> {
  const { exportOne, openInspection } = await import('./inspection.ts');
  if (options.export !== undefined) return exportOne(paths, options, options.export);
  const inspection = await openInspection(paths, options);
  const begins = inspection.live === undefined ? '' : '; the migration begins when the page is there';
  process.stderr.write(`Inspector at ${inspection.url}, Ctrl-C ends it${begins}\n`);
  if (options.open) {
    const { openBrowser } = await import('./open-browser.ts');
    openBrowser(inspection.url);
  }
  process.exitCode = await untilEnded(inspection);
}

/** The first Ctrl-C cancels a migration that still runs, which then ends legally; the next one ends the inspector. */
export function untilEnded(
  { live, close }: Inspection,
  signals: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process,
): Promise<number> {
  let cancelled = false;
  live?.sentence.then(
    (sentence) => process.stderr.write(`${sentence}\n`),
    (error: Error) => process.stderr.write(`the run broke off: ${error.message}\n`),
  );
  return new Promise((resolve) => {
    const end = () => {
      signals.off('SIGINT', onInterrupt);
      signals.off('SIGTERM', end);
      const code = cancelled ? INTERRUPTED : 0;
      const isUnderWay = live?.state === 'runs';
      close().then(() => {
        // Nothing waits for the end of a migration that nobody watches any more.
        if (isUnderWay) process.exit(code);
        resolve(code);
      });
    };
    const onInterrupt = () => {
      if (cancelled || live?.state !== 'runs') return end();
      cancelled = true;
      process.stderr.write('\ncancelling the migration; once more ends the inspector\n');
      live.cancel();
    };
    signals.on('SIGINT', onInterrupt);
    signals.on('SIGTERM', end);
  });
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port < 1 || port > 65535) throw new InvalidArgumentError('expected a port from 1 to 65535, such as 8080.');
  return port;
}
