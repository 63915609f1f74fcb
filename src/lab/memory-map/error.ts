/** There is no memory map of this run, or not of this stretch of it; the message is for a person. */
export class MemoryMapError extends Error {
  override readonly name = 'MemoryMapError';
}
