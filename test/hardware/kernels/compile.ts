/**
 * Compiles the page kernels from AssemblyScript, and writes them into the file that ships: `npm run kernels`. It stands with
 * the tests because the compiler is a tool of this repository and no part of the package; page-kernels.test.ts holds the
 * committed bytes to what this makes of the source.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (file: string) => fileURLToPath(new URL(`../../../src/hardware/kernels/${file}`, import.meta.url));
const GENERATED = at('page-kernels.generated.ts');
const LINE_CHARACTERS = 112;

/** The module's bytes. Throws with the compiler's own words when the source is wrong. */
export async function compileKernels(): Promise<Uint8Array> {
  const { default: asc } = await import('assemblyscript/asc');
  const source = readFileSync(at('page-kernels.as'), 'utf8');
  let bytes: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    // The compiler wants a .ts file; in the tree it is none, because neither tsc nor Biome speaks AssemblyScript.
    [
      'page-kernels.ts',
      '-o',
      'page-kernels.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--enable',
      'threads',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65536',
    ],
    {
      stderr,
      readFile: (name: string) => (name === 'page-kernels.ts' ? source : null),
      writeFile: (_: string, contents: Uint8Array | string) => {
        if (typeof contents !== 'string') bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || bytes === undefined) throw new Error(`page-kernels.as: ${stderr.toString()}`, { cause: error });
  return bytes;
}

/** The text of the file that ships. */
export function generatedText(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return `/** Generated from page-kernels.as by \`npm run kernels\`; not to be edited. The compiled module, in base64. */
export const PAGE_KERNELS_BASE64 = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await compileKernels();
  writeFileSync(GENERATED, generatedText(bytes));
  process.stdout.write(`${GENERATED}: ${bytes.length} bytes of WebAssembly\n`);
}
