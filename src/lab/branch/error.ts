/** A branch that cannot be: the message says why, and what could. */
export class BranchError extends Error {
  override readonly name = 'BranchError';
}
