/** Writes what is generated in the documentation of the charts: `npx tsx test/docs/generate.ts`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GALLERY, PAGE, pictures, withTable } from './generated.ts';

const drawn = await pictures();
rmSync(GALLERY, { recursive: true, force: true });
mkdirSync(GALLERY);
for (const [file, svg] of drawn) writeFileSync(join(GALLERY, file), svg);
writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8')));
process.stderr.write(`${drawn.size} pictures and the table of machines/README.md\n`);
