import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^switchover$/, replacement: here('./src/index.ts') },
      { find: /^switchover\/machines$/, replacement: here('./machines/index.ts') },
      { find: /^switchover\/testing$/, replacement: here('./src/testing.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Records and snapshots die young: fewer collections, a twelfth of the time.
    execArgv: ['--max-semi-space-size=64'],
    // No module holds state of a run, so files share one instance of each: a sixth of the time.
    isolate: false,
  },
});
