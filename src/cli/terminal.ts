/** What a terminal is shown and a pipe or a file is not: colours on stdout, progress on stderr. */

/** NO_COLOR counts where it is not empty (no-color.org). */
export function showsColour(): boolean {
  return process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
}

/** `asked`: `--no-progress` was not said. */
export function showsProgress(asked = true): boolean {
  return asked && process.stderr.isTTY === true;
}
