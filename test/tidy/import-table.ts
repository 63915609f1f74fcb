/**
 * Who may import whom. Arrows point one way only: purity falls from the charts down to the command line.
 *
 * The first rule whose folder a file is in counts. A rule that gets in the way of a better design is changed here, openly,
 * with the reason beside it. `types` may be imported as types only; `packages` names what comes from elsewhere, `node:` all
 * of Node's own modules, `*` everything that package.json lists under dependencies.
 */
import { type Import, resolve } from './tree.ts';

interface Rule {
  readonly folder: string;
  /** What its files may import besides each other; folders end in a slash. */
  readonly may: readonly string[];
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  readonly packageTypes?: readonly string[];
  /** What counts as each other; the folder itself unless given. */
  readonly own?: string;
  /** Its packages are built into what is shipped: listed under devDependencies. */
  readonly bundled?: true;
}

const EVERYTHING = ['machines/', 'src/'];

export const TABLE: readonly Rule[] = [
  { folder: 'machines/', may: [], packages: ['xstate'] },
  // XState runs in two files: the pure stepper, which knows its internals, and the live face, which knows its actors.
  { folder: 'src/core/chart.ts', own: 'src/core/', may: ['machines/'], packages: ['xstate'] },
  { folder: 'src/core/live-chart.ts', own: 'src/core/', may: ['machines/'], packages: ['xstate'] },
  { folder: 'src/core/', may: ['machines/'], packageTypes: ['xstate'] },
  // A scheduler must hand out RxJS's own Subscription: a look-alike is not unsubscribed with its subscriber.
  { folder: 'src/clock/rxjs-scheduler.ts', own: 'src/clock/', may: [], packages: ['rxjs'] },
  { folder: 'src/clock/', may: [], packageTypes: ['rxjs'] },
  // The checksum of a line on disk is the checksum of effects: one CRC-32, and it is arithmetic.
  { folder: 'src/journal/', may: ['src/core/checksum.ts'], types: ['src/core/'], packages: ['libsql', 'node:'] },
  { folder: 'src/streams/', may: ['src/clock/'], packages: ['rxjs'] },
  { folder: 'src/hardware/', may: ['src/clock/', 'src/streams/', 'src/core/', 'machines/'], packages: ['rxjs'] },
  {
    // The model sends as a dialect does: the loops' rows and the rule that ends a pass are the charts' own.
    folder: 'src/drivers/model/',
    own: 'src/drivers/',
    may: ['src/hardware/', 'src/streams/', 'src/clock/', 'machines/'],
    types: ['src/core/'],
    packages: ['rxjs'],
  },
  {
    folder: 'src/drivers/',
    may: ['src/streams/', 'src/clock/', 'machines/words.ts'],
    types: ['src/core/'],
    packages: ['rxjs', 'node:'],
  },
  { folder: 'src/serve/', may: ['src/hardware/', 'src/drivers/vfio-user/'], packages: ['rxjs', 'node:'] },
  {
    // It opens the charts that a plan names, so that it may import them.
    folder: 'src/run/',
    may: ['src/core/', 'src/journal/', 'src/clock/', 'src/streams/', 'src/drivers/driver.ts', 'machines/'],
    packages: ['rxjs', 'node:'],
    packageTypes: ['xstate'],
  },
  { folder: 'src/checkers/', may: [], types: ['src/core/', 'machines/words.ts'] },
  {
    // It puts runs together, so it takes all that a run is made of.
    folder: 'src/lab/',
    may: [
      'src/run/',
      'src/checkers/',
      'src/drivers/driver.ts',
      'src/drivers/model/',
      // A scenario names faults: which there can be, and the wrappers that play them.
      'src/drivers/device-named.ts',
      'src/drivers/errnos.ts',
      'src/drivers/eventful.ts',
      'src/drivers/faulty.ts',
      'src/drivers/mishaps.ts',
      'src/hardware/',
      'src/journal/',
      'src/clock/',
      'src/streams/',
      'src/core/',
      'src/version.ts',
      'machines/',
    ],
    packages: ['*', 'node:'],
  },
  {
    folder: 'src/inspector/chart/',
    may: ['machines/', 'src/core/checksum.ts', 'src/core/transitions.ts'],
    packages: ['xstate', 'elkjs', 'node:'],
  },
  // What the page folds with: it runs in a browser and in Node alike.
  {
    folder: 'src/inspector/view/',
    may: [
      'src/core/',
      'src/run/stepper.ts',
      'src/inspector/chart/graph.ts',
      'src/inspector/guard-holds.ts',
      'machines/',
    ],
    types: ['src/inspector/page-data.ts'],
    packageTypes: ['xstate'],
  },
  {
    // How the page is built is no part of it.
    folder: 'src/inspector/page/vite.config.ts',
    may: [],
    packages: ['vite', 'node:'],
    bundled: true,
  },
  // In a browser: no server, nothing of Node. What it needs is built into it, so that nobody has to install it.
  {
    folder: 'src/inspector/page/',
    may: ['src/inspector/view/', 'src/inspector/guard-holds.ts', 'src/core/', 'src/inspector/chart/', 'machines/'],
    types: ['src/inspector/page-data.ts'],
    packages: ['preact', '@preact/signals', 'uplot', 'xstate'],
    bundled: true,
  },
  {
    folder: 'src/inspector/',
    may: ['src/run/', 'src/core/', 'src/journal/', 'machines/', 'src/version.ts'],
    packages: ['*', 'node:'],
  },
  { folder: 'src/cli/', may: EVERYTHING, packages: ['*', 'node:'] },
  { folder: 'src/index.ts', may: EVERYTHING },
  { folder: 'src/testing.ts', may: EVERYTHING, packages: ['*', 'node:'] },
  { folder: 'src/version.ts', may: [] },
];

/** What this import breaks, in words; undefined when it is allowed. `dependencies` are the package's own. */
export function importBreaks(
  path: string,
  { from, typeOnly }: Import,
  dependencies: readonly string[],
): string | undefined {
  const rule = TABLE.find(({ folder }) => path.startsWith(folder));
  if (rule === undefined) return 'is in no folder of the import table';
  const as = typeOnly ? 'as types' : 'to run';
  if (from.startsWith('.')) {
    const target = resolve(path, from);
    const may = [rule.own ?? rule.folder, ...rule.may, ...(typeOnly ? (rule.types ?? []) : [])];
    const toCli = target.startsWith('src/cli/') && !path.startsWith('src/cli/');
    if (!toCli && may.some((folder) => target.startsWith(folder))) return undefined;
    return `may not import ${target} ${as}`;
  }
  const named = nameOf(from);
  const may = [...(rule.packages ?? []), ...(typeOnly ? (rule.packageTypes ?? []) : [])];
  if (!may.includes(named) && !(may.includes('*') && named !== 'node:')) return `may not import ${from} ${as}`;
  return named === 'node:' || rule.bundled === true || dependencies.includes(named)
    ? undefined
    : `imports ${from}, which package.json does not list`;
}

/** `@scope/name/part` -> `@scope/name`; every module of Node is `node:`. */
function nameOf(from: string): string {
  if (from.startsWith('node:')) return 'node:';
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}
