/** What a whole number on the command line may be: a seed, or how many there are of something. */
import { InvalidArgumentError } from 'commander';

/** 0 to 2^32 - 1. Throws commander's InvalidArgumentError. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 0xffff_ffff)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295, such as 7.');
  return number;
}
