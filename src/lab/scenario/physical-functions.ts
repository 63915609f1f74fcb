/** Devices that are functions of one physical function: its limits are shared, so they must be the same for each. */
import type { Finding } from './phrase.ts';
import { finding } from './places.ts';
import type { Device, Scenario } from './scenario.ts';

export function checkPhysicalFunctions({ containers }: Scenario): readonly Finding[] {
  const firsts = new Map<string, Device>();
  return containers.flatMap(({ devices }, c) =>
    devices.flatMap((device, d) => {
      const parent = device.dmaLogging?.physicalFunction;
      if (parent === undefined) return [];
      const first = firsts.get(parent);
      if (first === undefined) firsts.set(parent, device);
      if (first === undefined || limitsOf(first) === limitsOf(device)) return [];
      return [
        finding(
          ['containers', c, 'devices', d, 'dmaLogging'],
          `${parent} has one tracker for all its functions: preset and ranges must be those of ${first.id}`,
        ),
      ];
    }),
  );
}

function limitsOf({ dmaLogging }: Device): string {
  return `${dmaLogging?.preset ?? 'mlx5'} ${dmaLogging?.maxRanges}`;
}
