/**
 * The quantities of a scenario in both directions, as every section uses them: Zod leaves that read them, and the texts
 * that print them again.
 */
import { quantity } from './leaf.ts';
import {
  COST,
  DATA_RATE,
  type DataRateText,
  DURATION,
  type DurationText,
  printQuantity,
  type Quantity,
  SIZE,
  type SizeText,
} from './quantity.ts';

export const size = (description: string) => quantity<SizeText>(SIZE, description);
export const duration = (description: string) => quantity<DurationText>(DURATION, description);
export const cost = (description: string) => quantity<DurationText>(COST, description);
export const dataRate = (description: string) => quantity<DataRateText>(DATA_RATE, description);

/** `printQuantity` knows the unit only at run time; what it prints is a text of that quantity. */
export function printText<Text>(of: Quantity, value: number): Text {
  return printQuantity(of, value) as Text;
}

export const printSize = (bytes: number) => printText<SizeText>(SIZE, bytes);
export const printDuration = (ns: number) => printText<DurationText>(DURATION, ns);
export const printCost = (ns: number) => printText<DurationText>(COST, ns);
export const printDataRate = (bytesPerSecond: number) => printText<DataRateText>(DATA_RATE, bytesPerSecond);
