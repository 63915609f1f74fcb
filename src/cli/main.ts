#!/usr/bin/env node
/** The `switchover` executable: this process's arguments in, its exit code out. What it does is in program.ts. */
import { main } from './program.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main(process.argv.slice(2));
