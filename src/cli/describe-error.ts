/** What a person is told when a command fails, and the exit code that goes with it. */
import type { JournalError } from '../journal/journal-error.ts';
import type { RecoveryError } from '../run/recovery-error.ts';

export interface Described {
  readonly message: string;
  readonly exitCode: number;
}

/** By name, so that nothing has to be loaded to say what went wrong. Anything unknown is ours, and shows its stack. */
export function describeError(error: unknown): Described {
  if (!(error instanceof Error)) return { message: `switchover: ${String(error)}`, exitCode: 1 };
  switch (error.name) {
    case 'ScenarioError':
    case 'UsageError':
    case 'PolicyError':
    case 'BranchError':
    case 'MemoryMapError':
      return { message: error.message, exitCode: 2 };
    case 'RecoveryError':
      return { message: error.message, exitCode: (error as RecoveryError).problem === 'diverged' ? 3 : 2 };
    case 'JournalError':
      return describeJournal(error as JournalError);
    default:
      return { message: `switchover: this is a bug, please report it\n${error.stack ?? error.message}`, exitCode: 1 };
  }
}

/** A journal that cannot be believed to its end is 4; one that could not be written any more leaves a migration undone. */
function describeJournal({ kind, message, run, position }: JournalError): Described {
  const told = (exitCode: number, next = '') => ({ message: `journal: ${message}${next}`, exitCode });
  switch (kind) {
    case 'damaged':
    case 'newer-version': {
      const good = run === undefined || position === undefined || position === 0 ? undefined : before(position);
      return told(4, good === undefined ? '' : `. ${good}: replay --until-damage proves or exports what is good`);
    }
    case 'older-version':
      return told(4);
    case 'full':
      return told(1, position === undefined ? '' : `. ${before(position)}, and nothing was done that is not in them`);
    case 'conflict':
    case 'locked':
    case 'unreadable':
    case 'read-only':
      return told(2);
    default:
      return kind satisfies never;
  }
}

function before(position: number): string {
  return position === 1 ? 'The record before is good' : `The ${position} records before are good`;
}
