/** Which picture shows a chart; of one that is closed now, the one that showed it last. */
import { useRef } from 'preact/hooks';
import type { Instant } from '../../view/instant.ts';

export function usePictureName(
  run: string | undefined,
  instant: Instant | undefined,
  address: string,
): string | undefined {
  const known = useRef(new Map<string, string>());
  for (const chart of instant?.charts ?? []) known.current.set(`${run} ${chart.address}`, chart.picture);
  return known.current.get(`${run} ${address}`);
}
