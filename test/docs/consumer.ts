/**
 * A package that depends on this one, in a folder of its own: what a reader has who copies an example.
 *
 * It resolves `switchover` through package.json's exports to what was built, so that an example is compiled against the
 * declarations that ship and run as it would be run elsewhere.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CLI = join(ROOT, 'dist', 'src', 'cli', 'main.js');
const DEPENDENCIES = ['xstate', 'rxjs', '@types'];

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'switchover-docs-'));

  constructor() {
    if (!existsSync(CLI)) throw new Error('the package is not built: npm run build');
    const modules = join(this.folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(ROOT, join(modules, 'switchover'), 'dir');
    for (const name of DEPENDENCIES) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'dir');
    this.write('package.json', '{ "private": true, "type": "module" }\n');
    this.write('tsconfig.json', `${JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] })}\n`);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Type-checks and compiles every TypeScript file in the folder. */
  compile(): Promise<Ended> {
    return this.#run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', '.']);
  }

  node(file: string): Promise<Ended> {
    return this.#run(process.execPath, [file]);
  }

  switchover(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, [CLI, ...args]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
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

/** As strict as most: what an example leaves open is an error. XState's own declarations do not pass `skipLibCheck: false`. */
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
