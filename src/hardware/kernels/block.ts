/** Words of a block of an arena: 4 KiB, for 32,768 pages. */
export const BLOCK_WORDS = 1024;
