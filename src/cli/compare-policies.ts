/** `switchover compare SCENARIO --policy a,b,c`: the same runs under each policy, a table and sentences; or one policy's settings. */
import { commandLine } from '../lab/report/command-line.ts';
import { ReportFile, reportFile } from './report-file.ts';
import { changesOf } from './set-option.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface PolicyOptions {
  readonly policy: string;
  readonly seeds: number;
  readonly seed?: number;
  readonly set: readonly string[];
  readonly workers?: number;
  readonly report?: string;
  readonly csv?: string;
  readonly export?: string;
  readonly row?: string;
  readonly json?: boolean;
  readonly progress: boolean;
}

export async function comparePolicies(name: string, options: PolicyOptions): Promise<void> {
  const { readWritten } = await import('../lab/scenario/read.ts');
  const { isExperimentName } = await import('../lab/experiment/shipped.ts');
  const { isShippedName } = await import('../lab/scenario/shipped-files.ts');
  if (isExperimentName(name) && !isShippedName(name))
    throw new UsageError(`${name} is an experiment, which says itself what is compared: leave --policy out`);
  const policies = options.policy.split(',').map((one) => one.trim());
  if (policies.includes(''))
    throw new UsageError(`--policy: expected names such as qemu,nova or all, got "${options.policy}"`);
  const written = readWritten(name);
  const setting = { scenario: written.input, folder: written.folder, set: await changesOf(options.set) };
  if (options.export !== undefined) return printExport(policies, setting, options.export, options.row);
  if (options.row !== undefined) throw new UsageError('--row says which policy to export: it goes with --export');
  await runAndPrint(name, policies, setting, options);
}

interface Setting {
  readonly scenario: ReturnType<typeof import('../lab/scenario/read.ts').readWritten>['input'];
  readonly folder: string;
  readonly set: readonly (readonly [string, unknown])[];
}

async function runAndPrint(
  name: string,
  policies: readonly string[],
  setting: Setting,
  options: PolicyOptions,
): Promise<void> {
  const { comparePolicies: run } = await import('../lab/compare/run.ts');
  const { seeds, seed, workers, csv, json, progress } = options;
  const { scenario, folder, set } = setting;
  const page = reportFile(options.report);
  const rows = csv === undefined ? undefined : new ReportFile(csv, '--csv', 'rows.csv');
  const { runsBarOf } = await import('./runs-bar.ts');
  const format = '{bar} {value} of {total} runs  {eta_formatted} left';
  const bar = await runsBarOf(showsProgress(progress), format, 1);
  try {
    const onProgress = bar.update;
    const result = await run(scenario, { policies, seeds, seed, folder, set, workers, onProgress });
    bar.stop();
    if (rows !== undefined) {
      const { comparisonCsv } = await import('../lab/compare/csv.ts');
      rows.write(await comparisonCsv(result));
    }
    if (page !== undefined) {
      const { comparisonHtml } = await import('../lab/html/index.ts');
      page.write(await comparisonHtml({ result, command: commandOf(name, options) }));
    }
    if (json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      const { comparisonText } = await import('../lab/compare/text.ts');
      process.stdout.write(comparisonText(result, { colour: showsColour() }));
    }
    process.exitCode = result.policies.some(({ broken }) => broken.length > 0) ? 1 : 0;
  } finally {
    bar.stop();
  }
}

/** What its figures depend on, to be typed again. */
function commandOf(name: string, { policy, seeds, seed, set }: PolicyOptions): string {
  const changes = set.flatMap((change) => ['--set', change]);
  const first = seed === undefined ? [] : ['--seed', String(seed)];
  const which = ['--policy', policy, '--seeds', String(seeds), ...first, ...changes];
  return commandLine(['switchover', 'compare', name, ...which, '--report', 'report.html']);
}

async function printExport(
  policies: readonly string[],
  setting: Setting,
  system: string,
  row: string | undefined,
): Promise<void> {
  const { isExport, EXPORTS } = await import('../lab/compare/export/targets.ts');
  if (!isExport(system)) throw new UsageError(`--export: expected one of ${EXPORTS.join(', ')}, got "${system}"`);
  const { policiesFor } = await import('../lab/trial/fitting.ts');
  const { chosen } = policiesFor(policies, setting);
  const names = chosen.map(({ name }) => name);
  const one = row === undefined && chosen.length === 1 ? chosen[0] : chosen.find(({ name }) => name === row);
  if (one === undefined) {
    const asked = row === undefined ? 'say which of them with --row' : `--row: ${row} is none of them`;
    throw new UsageError(`--export prints the settings of one policy, and there are ${names.join(', ')}: ${asked}`);
  }
  const { exportText } = await import('../lab/compare/export/export.ts');
  const exported = exportText(system, one.name, one.scenario);
  if ('problem' in exported) throw new UsageError(`--export ${system}: ${exported.problem}`);
  process.stdout.write(exported.text);
}
