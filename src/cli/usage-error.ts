/**
 * The person asked for something that cannot be: a wrong argument, a file that is not there, a scenario with a mistake.
 * The command line prints its message without a stack and ends with exit code 2.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
