/** Commands that are printed to be copied. */

/** Words of a command line as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

/** For a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
