/** A policy of the user's own that cannot be used as it is. The command line prints its message and ends with exit code 2. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}
