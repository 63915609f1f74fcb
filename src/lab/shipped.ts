/**
 * The scenarios that ship, for programs: `migrate(scenarios['vgpu-10g'])`. Each is read from its file at first use and
 * kept; nothing is read by importing this.
 */
import { readScenario } from './scenario/read.ts';
import type { Scenario } from './scenario/scenario.ts';
import { SHIPPED_NAMES, type ShippedName } from './scenario/shipped-files.ts';

export { listScenarios, SHIPPED_NAMES, type ShippedName } from './scenario/shipped-files.ts';

/** By name. Frozen: copy one to change it, `{ ...scenarios['two-nics'], seed: 7 }`. */
export const scenarios: Readonly<Record<ShippedName, Scenario>> = lazily();

function lazily(): Record<ShippedName, Scenario> {
  const read = new Map<ShippedName, Scenario>();
  const shelf = {} as Record<ShippedName, Scenario>;
  for (const name of SHIPPED_NAMES) {
    Object.defineProperty(shelf, name, {
      enumerable: true,
      get: () => {
        const scenario = read.get(name) ?? freeze(readScenario(name));
        read.set(name, scenario);
        return scenario;
      },
    });
  }
  return Object.freeze(shelf);
}

/** Freezes plain data all the way down: what is shared must not change under another reader. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}
