/**
 * A process that does nothing but migrations, for bench-workers.ts: so many of one name to get warm, as many timed, and some
 * more, so that another one that runs beside it is not alone towards its end. Prints the wall time of the timed ones, ms.
 */
import { runTrial } from '../lab/trial/run.ts';
import { benchInput } from './bench-scenarios.ts';

/** What it is told, as texts. */
export type AloneArguments = readonly [name: string, migrations: string];

const [name = '', count = ''] = process.argv.slice(2);
const scenario = benchInput(name);
const run = (migrations: number) => {
  for (let seed = 0; seed < migrations; seed++) runTrial({ scenario, seed });
};
const migrations = Number(count);
run(migrations);
const beganMs = performance.now();
run(migrations);
process.stdout.write(`${performance.now() - beganMs}\n`);
run(Math.ceil(migrations / 4));
