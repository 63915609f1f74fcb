/** What a whole number on the command line may be: a seed, or how many there are of something. */
import { InvalidArgumentError } from 'commander';

/** 0 to 2^32 - 1. Throws commander's InvalidArgumentError. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 0xffff_ffff)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295, such as 7.');
  return number;
}

/** 1 to 64 worker threads. Throws commander's InvalidArgumentError. */
export function threads(text: string): number {
  const number = wholeNumber(text);
  if (number < 1 || number > 64)
    throw new InvalidArgumentError('expected a number of threads from 1 to 64, such as 2.');
  return number;
}

/** 1 to 100,000 runs. Throws commander's InvalidArgumentError. */
export function runCount(text: string): number {
  const number = wholeNumber(text);
  if (number < 1 || number > 100_000) throw new InvalidArgumentError('expected a number from 1 to 100000, such as 20.');
  return number;
}
