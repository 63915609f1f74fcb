/**
 * A watchdog of the guest that resets a device which has done nothing for too long: Windows' timeout detection and
 * recovery, whose registry value TdrDelay is 2 seconds by default. It fires when the device's service stops for longer.
 */
import { leaf } from '../leaf.ts';
import { DURATION, type DurationText, patternOf, readQuantity } from '../quantity.ts';

/** TdrDelay, "TDR registry keys", Windows driver documentation. */
const TDR_DELAY_NS = 2_000_000_000;

export const watchdog = leaf<boolean | DurationText, number | null>({
  expected: 'true, false or a duration',
  example: '2s',
  json: { type: ['boolean', 'string'], pattern: patternOf(DURATION), examples: [true, '2s'] },
  description: 'The guest resets the device when its service stops for longer; true: 2s, as Windows does.',
  read: (input) => {
    if (input === true) return { value: TDR_DELAY_NS };
    if (input === false) return { value: null };
    const reading = readQuantity(DURATION, input);
    return 'value' in reading && reading.value === 0 ? { hint: null } : reading;
  },
});
