/**
 * A package that depends on this one, in a folder of its own: what a reader has who copies an example.
 *
 * This package is built anew into its node_modules, with the files that package.json ships and no others, so that an
 * example is compiled against the declarations that ship and run as it would be run elsewhere. It neither needs nor
 * touches `dist`.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Manifest {
  readonly version: string;
  readonly bin: { readonly switchover: string };
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

export const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'switchover-docs-'));
  readonly #installed = join(this.folder, 'node_modules', 'switchover');
  readonly #cli = join(this.#installed, manifest.bin.switchover);
  #session: ChildProcess | undefined;

  /** Builds and installs. Throws when the compiler writes nothing; complaints are the type check's business, and not looked for. */
  async install(): Promise<void> {
    mkdirSync(this.#installed, { recursive: true });
    const said = await this.#tsc('-p', join(ROOT, 'src'), '--outDir', join(this.#installed, 'dist'), '--noCheck');
    if (!existsSync(this.#cli)) throw new Error(`the package cannot be built:\n${said.stdout}${said.stderr}`);
    await build({
      configFile: join(ROOT, 'src', 'inspector', 'page', 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: join(this.#installed, 'dist', 'src', 'inspector', 'page') },
    });
    for (const path of ['package.json', ...manifest.files.filter((file) => file !== 'dist')]) {
      cpSync(join(ROOT, path), join(this.#installed, path), { recursive: true });
    }
    for (const name of [...Object.keys(manifest.dependencies), '@types']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(this.folder, 'node_modules', name), 'dir');
    }
    this.write('package.json', '{ "private": true, "type": "module" }\n');
    this.write('tsconfig.json', `${JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] })}\n`);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Type-checks and compiles every TypeScript file in the folder. */
  compile(): Promise<Ended> {
    return this.#tsc('-p', '.');
  }

  node(file: string): Promise<Ended> {
    return this.#run(process.execPath, [file]);
  }

  /** The command as a shell starts it. */
  shell(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, [this.#cli, ...args]);
  }

  /** The same in a process that is kept for the next one, so that the package is loaded once. One at a time. */
  switchover(...args: readonly string[]): Promise<Ended> {
    const session = this.#session ?? this.#open();
    return new Promise((resolve, reject) => {
      const gone = (code: number) => reject(new Error(`${args.join(' ')}: its process ended with ${code}`));
      session.once('exit', gone).once('message', (ended) => {
        session.off('exit', gone);
        resolve(ended as Ended);
      });
      session.send(args);
    });
  }

  #open(): ChildProcess {
    this.write('session.mjs', SESSION);
    const program = join(dirname(this.#cli), 'program.js');
    this.#session = fork(join(this.folder, 'session.mjs'), [program], { ...this.#surroundings(), execArgv: [] });
    return this.#session;
  }

  remove(): void {
    this.#session?.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #tsc(...args: readonly string[]): Promise<Ended> {
    // More threads check some files more than once.
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    return this.#run(process.execPath, [tsc, ...args, '--singleThreaded']);
  }

  #run(program: string, args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(program, [...args], { ...this.#surroundings(), maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  #surroundings() {
    // What a test runner tells its children would make node:test report to it instead of printing.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
    return { cwd: this.folder, env };
  }
}

/** Runs each command that it is sent, and sends back what it printed. */
const SESSION = `
const { main } = await import(process.argv[2]);
process.on('message', async (args) => {
  const text = { stdout: '', stderr: '' };
  const writes = ['stdout', 'stderr'].map((name) => [name, process[name].write]);
  for (const [name] of writes) process[name].write = (part) => (text[name] += part, true);
  const code = await main(args);
  for (const [name, write] of writes) process[name].write = write;
  process.send({ code, ...text });
});
`;

/** As strict as most readers are. Only libraries are left alone: XState's declarations do not bear exactOptionalPropertyTypes. */
const COMPILER_OPTIONS = {
  target: 'ES2023',
  module: 'NodeNext',
  strict: true,
  noUnusedLocals: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  types: ['node'],
};
