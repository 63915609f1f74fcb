/** A file that is whole or as it was before: written under another name beside it, synced, and then renamed. */
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Throws what the file system throws, and leaves nothing behind then. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  written(path, content, (part) => renameSync(part, path));
}

/** The same for a file that must not be there yet: else EEXIST is thrown. */
export function writeWholeNew(path: string, content: string | Uint8Array): void {
  written(path, content, (part) => {
    // A second name, because a rename would replace what is there.
    linkSync(part, path);
    rmSync(part);
  });
}

function written(path: string, content: string | Uint8Array, name: (part: string) => void): void {
  const part = `${path}.${process.pid}.part`;
  try {
    const descriptor = openSync(part, 'w');
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    name(part);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
