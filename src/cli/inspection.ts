/** What `switchover inspect` was asked to show, opened: journals, a live migration, modules with machines; and served or written. */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { machines } from '../../machines/index.ts';
import { RefusedError } from '../inspector/server/answer.ts';
import { Exhibition } from '../inspector/server/exhibition.ts';
import { exportedPage } from '../inspector/server/exported-page.ts';
import { NOT_BUILT } from '../inspector/server/page-files.ts';
import { startServer } from '../inspector/server/server.ts';
import type { Journal, RunSummary } from '../journal/journal.ts';
import { JournalError } from '../journal/journal-error.ts';
import { openJournal } from '../journal/open.ts';
import { formatBytes } from '../lab/report/format.ts';
import { isShippedName, packageRoot } from '../lab/scenario/shipped-files.ts';
import { findMachine, MODULES, machineFile } from './find-machine.ts';
import { type LiveMigration, liveMigration } from './live-migration.ts';
import { modelWorkbench } from './model-workbench.ts';
import { ReportFile } from './report-file.ts';
import { UsageError } from './usage-error.ts';

export interface InspectOptions {
  readonly run: readonly string[];
  readonly live?: string;
  readonly seed?: number;
  readonly pace?: number | 'max';
  readonly policy?: string;
  readonly set: readonly string[];
  readonly journal?: string;
  readonly port?: number;
  readonly open?: boolean;
  readonly export?: string;
}

export interface Inspection {
  readonly url: string;
  readonly live: LiveMigration | undefined;
  close(): Promise<void>;
}

/** Of the page's own files, which a build makes. */
const pageFolder = () => join(packageRoot(), 'dist', 'src', 'inspector', 'page');
const DAMAGED = 4;

/** Serves it until `close`. Throws a UsageError, and what opening a journal or a scenario throws. */
export async function openInspection(
  paths: readonly string[],
  options: InspectOptions,
  folder: string = pageFolder(),
): Promise<Inspection> {
  refuseLone(options);
  const opened = await openAll(paths, options);
  const { exhibition } = opened;
  let live: LiveMigration | undefined;
  try {
    if (options.live !== undefined) live = await liveMigration(options.live, liveOptions(options));
    let begun: Promise<void> | undefined;
    // A migration of four seconds is over before a browser is there: it begins when its page asks what there is.
    const ready = () => (begun ??= hang(opened, live));
    // After all that may be wrong with what was named: a page in the middle of being built hides none of it.
    if (!existsSync(join(folder, 'index.html'))) throw new UsageError(NOT_BUILT);
    if (live === undefined) await ready();
    const { port } = options;
    const server = await startServer({ exhibition, pageFolder: folder, port, ready, onBug: tellBug }).catch(
      (error: NodeJS.ErrnoException) => {
        throw new UsageError(`cannot listen on port ${port}: ${whyNot(error)}`);
      },
    );
    return {
      url: server.url,
      live,
      async close() {
        await server.close();
        await opened.close();
        live?.close();
      },
    };
  } catch (error) {
    await opened.close();
    live?.close();
    throw error;
  }
}

/** Everything in its order; the live run first. */
async function hang({ exhibition, journals }: OpenedAll, live: LiveMigration | undefined): Promise<void> {
  const shown = live === undefined ? undefined : exhibition.addLive(live.start());
  for (const { journal, path, chosen } of journals) exhibition.addJournal(journal, path, chosen);
  // What is shown of a run stands in its first record.
  if (shown !== undefined) await new Promise<void>((resolve) => shown.onMore(resolve));
}

/** Writes the page of one run. */
export async function exportOne(
  paths: readonly string[],
  options: InspectOptions,
  file: string,
  folder: string = pageFolder(),
): Promise<void> {
  if (options.live !== undefined)
    throw new UsageError('--export writes a run that has ended: switchover run SCENARIO --journal runs.db makes one');
  refuseLone(options);
  const written = new ReportFile(file, '--export', 'run.html');
  const opened = await openAll(paths, options);
  try {
    const { exhibition } = opened;
    await hang(opened, undefined);
    const [run, ...others] = exhibition.runs;
    if (run === undefined) throw new UsageError('--export writes the page of a run: name its journal');
    if (others.length > 0) {
      const names = exhibition.runs.map((one) => one.run);
      throw new UsageError(`which run to export? --run ${names.join(' | --run ')}`);
    }
    if (run.header().noMemoryMap === undefined) process.stderr.write('making the run again for its memory map\n');
    const { html, damage } = await exportedPage(exhibition, run, folder).catch((error: unknown) => {
      throw error instanceof RefusedError ? new UsageError(error.message) : error;
    });
    written.write(html, ` (${formatBytes(Buffer.byteLength(html))})`);
    if (damage === undefined) return;
    process.stderr.write(`journal: ${damage}\n`);
    process.exitCode = DAMAGED;
  } finally {
    await opened.close();
  }
}

interface OpenedJournal {
  readonly path: string;
  readonly journal: Journal;
  readonly chosen: readonly RunSummary[];
}

interface OpenedAll {
  readonly exhibition: Exhibition;
  readonly journals: readonly OpenedJournal[];
  close(): Promise<void>;
}

async function openAll(paths: readonly string[], { run: wanted }: InspectOptions): Promise<OpenedAll> {
  const workbench = modelWorkbench();
  const exhibition = new Exhibition({
    workbench,
    galleryFolder: join(packageRoot(), 'machines', 'gallery'),
  });
  const open: { readonly path: string; readonly journal: Journal; readonly runs: readonly RunSummary[] }[] = [];
  const close = async () => {
    await workbench.close();
    for (const { journal } of open) journal.close();
  };
  try {
    for (const path of paths) {
      if (MODULES.includes(extname(machineFile(path).file).toLowerCase()))
        exhibition.gallery.add(await findMachine(path));
      else if (Object.hasOwn(machines, path) && !existsSync(path)) exhibition.gallery.prefer(path);
      else {
        open.push({ path, ...journalAt(path) });
      }
    }
    const present = open.flatMap(({ runs }) => runs.map(({ run }) => run));
    for (const name of wanted) {
      if (present.includes(name)) continue;
      const known = present.length === 0 ? 'no journal was named' : `there are ${present.join(', ')}`;
      throw new UsageError(`no run "${name}": ${known}`);
    }
    const journals = open.map(({ path, journal, runs }) => {
      const chosen = wanted.length === 0 ? runs : runs.filter(({ run }) => wanted.includes(run));
      return { path, journal, chosen };
    });
    return { exhibition, journals, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const EXPECTED =
  'expected a journal (an SQLite file, or an NDJSON export), a module with an XState machine (.ts, .mjs, .js, ...), or the name of a chart (switchover list machines)';

/** For reading; of a file whose end is lost, what is good. What is no journal is told what was expected. */
function journalAt(path: string): { readonly journal: Journal; readonly runs: readonly RunSummary[] } {
  const isScenario = isShippedName(path) || ['.yaml', '.yml', '.json'].includes(extname(path).toLowerCase());
  const hint = isScenario ? `. For a scenario: switchover inspect --live ${path}` : `; ${EXPECTED}`;
  try {
    const journal = openGood(path);
    const runs = listed(journal);
    if (runs.length > 0) return { journal, runs };
    journal.close();
    throw new UsageError(`${path} holds no runs`);
  } catch (error) {
    if (!(error instanceof JournalError) || !(error.kind === 'unreadable' || isScenario)) throw error;
    throw new UsageError(`${error.message}${hint}`, { cause: error });
  }
}

function openGood(path: string): Journal {
  try {
    return openJournal(path, { readonly: true });
  } catch (error) {
    if (!(error instanceof JournalError) || error.kind !== 'damaged') throw error;
    return openJournal(path, { untilDamage: true });
  }
}

/** Nothing stays open where they cannot be listed. */
function listed(journal: Journal): readonly RunSummary[] {
  try {
    return journal.runs();
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** What is said of a live run needs one. */
function refuseLone({ live, seed, pace, policy, set, journal }: InspectOptions): void {
  if (live !== undefined) return;
  const said = Object.entries({ seed, pace, policy, journal, ...(set.length === 0 ? {} : { set }) });
  const [lone] = said.filter(([, value]) => value !== undefined).map(([name]) => `--${name}`);
  if (lone !== undefined) throw new UsageError(`${lone} is said of a live run: --live SCENARIO names one`);
}

function liveOptions({ seed, pace = 1, policy, set, journal }: InspectOptions) {
  return {
    ...{ pace, set, shadow: [] },
    ...(seed === undefined ? {} : { seed }),
    ...(policy === undefined ? {} : { policy }),
    ...(journal === undefined ? {} : { journal }),
  };
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'somebody listens there already; without --port a free one is taken';
  if (code === 'EACCES') return 'this is not allowed; ports from 1024 on are';
  return message;
}

function tellBug(error: unknown): void {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`switchover: this is a bug, please report it\n${told}\n`);
}
