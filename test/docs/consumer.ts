/**
 * A package that depends on this one, in a folder of its own: what a reader has who copies an example.
 *
 * This package is built anew into its node_modules, with the files that package.json ships and no others, so that an
 * example is compiled against the declarations that ship and run as it would be run elsewhere. It neither needs nor
 * touches `dist`.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

  /** Builds and installs. Throws when the compiler writes nothing; whether it has complaints is the type check's business. */
  async install(): Promise<void> {
    mkdirSync(this.#installed, { recursive: true });
    const said = await this.#tsc('-p', join(ROOT, 'src'), '--outDir', join(this.#installed, 'dist'));
    if (!existsSync(this.#cli)) throw new Error(`the package cannot be built:\n${said.stdout}${said.stderr}`);
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

  switchover(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, [this.#cli, ...args]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #tsc(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), ...args]);
  }

  #run(program: string, args: readonly string[]): Promise<Ended> {
    // What a test runner tells its children would make node:test report to it instead of printing.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
    return new Promise((resolve) => {
      execFile(program, [...args], { cwd: this.folder, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
    });
  }
}

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
