/**
 * Small marks in a 12 px square, as paths: they do not depend on the fonts of a reader.
 */
import type { Icon } from './content.ts';

export type IconName = Icon | 'any';

const PATHS: Readonly<Record<IconName, string>> = {
  // An arrow that leaves for somewhere else.
  message: 'M1 5H7V2.2L11.4 6L7 9.8V7H1Z',
  // A key that is pressed.
  command:
    'M3 1.5H9A1.5 1.5 0 0 1 10.5 3V9A1.5 1.5 0 0 1 9 10.5H3A1.5 1.5 0 0 1 1.5 9V3A1.5 1.5 0 0 1 3 1.5ZM4.6 3.8V8.2L8.4 6Z',
  open: 'M6 .8A5.2 5.2 0 1 1 6 11.2A5.2 5.2 0 1 1 6 .8ZM5.3 3.3V5.3H3.3V6.7H5.3V8.7H6.7V6.7H8.7V5.3H6.7V3.3Z',
  close: 'M6 .8A5.2 5.2 0 1 1 6 11.2A5.2 5.2 0 1 1 6 .8ZM3.3 5.3V6.7H8.7V5.3Z',
  fact: 'M6 .8L11.2 6L6 11.2L.8 6ZM6 3.2L3.2 6L6 8.8L8.8 6Z',
  timer:
    'M6 .8A5.2 5.2 0 1 1 6 11.2A5.2 5.2 0 1 1 6 .8ZM6 2.1A3.9 3.9 0 1 0 6 9.9A3.9 3.9 0 1 0 6 2.1ZM5.4 3.2H6.6V5.7L8.5 7.2L7.8 8.1L5.4 6.3Z',
  final:
    'M6 .5A5.5 5.5 0 1 1 6 11.5A5.5 5.5 0 1 1 6 .5ZM6 1.7A4.3 4.3 0 1 0 6 10.3A4.3 4.3 0 1 0 6 1.7ZM6 3.3A2.7 2.7 0 1 1 6 8.7A2.7 2.7 0 1 1 6 3.3Z',
  again: 'M6 1.2A4.8 4.8 0 1 0 10.8 6H9.4A3.4 3.4 0 1 1 6 2.6V4.8L9.6 2L6 -.8Z',
  any: 'M5.3 1.5H6.7V4.7L9.5 3.1L10.2 4.4L7.4 6L10.2 7.6L9.5 8.9L6.7 7.3V10.5H5.3V7.3L2.5 8.9L1.8 7.6L4.6 6L1.8 4.4L2.5 3.1L5.3 4.7Z',
};

/** Path data, to be filled by the even-odd rule. */
export function iconPath(name: IconName): string {
  return PATHS[name];
}
