/** Writes what is generated in the documentation of the charts and of the hardware: `npx tsx test/docs/generate.ts`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machines } from '../../machines/index.ts';
import { drawSvg } from '../../src/inspector/chart/index.ts';
import { withDeadlines } from './deadline-table.ts';
import { GALLERY, PAGE, withTable } from './generated.ts';
import { HARDWARE_PAGE, withTrackers } from './tracker-table.ts';

rmSync(GALLERY, { recursive: true, force: true });
mkdirSync(GALLERY);
for (const [name, machine] of Object.entries(machines)) {
  writeFileSync(join(GALLERY, `${name}.svg`), await drawSvg(machine));
}
writeFileSync(PAGE, withDeadlines(withTable(readFileSync(PAGE, 'utf8'))));
writeFileSync(HARDWARE_PAGE, withTrackers(readFileSync(HARDWARE_PAGE, 'utf8')));
