/** What a person is told when a command fails, and the exit code that goes with it. */

export interface Described {
  readonly message: string;
  readonly exitCode: number;
}

/** By name, so that nothing has to be loaded to say what went wrong. Anything unknown is ours, and shows its stack. */
export function describeError(error: unknown): Described {
  if (!(error instanceof Error)) return { message: `switchover: ${String(error)}`, exitCode: 1 };
  const { kind } = error as { readonly kind?: string };
  switch (error.name) {
    case 'ScenarioError':
    case 'UsageError':
      return { message: error.message, exitCode: 2 };
    case 'JournalError':
      return { message: `journal: ${error.message}`, exitCode: kind === 'damaged' || kind === 'newer-version' ? 4 : 2 };
    default:
      return { message: `switchover: this is a bug, please report it\n${error.stack ?? error.message}`, exitCode: 1 };
  }
}
