/** What is other from a record on: the link, the limits, who judges, who manages, or a cancel at a time. */
import { isQemu, type LoopName } from '../../../../machines/index.ts';
import type { Change } from '../../branch/change.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Case } from '../case.ts';
import type { Chance } from './chance.ts';
import { MANAGERS } from './rules.ts';
import { devicesIn } from './scenario.ts';
import type { Theme } from './themes.ts';

export function drawBranch(chance: Chance, theme: Theme, input: ScenarioInput): Pick<Case, 'branch'> {
  if (!chance.percent(theme === 'managed' || theme === 'rules' ? 20 : 4)) return {};
  // Mostly while pre-copy runs, which the first few dozen records tell of.
  const after = chance.between(1, chance.pick([30, 30, 90]));
  return { branch: { after, change: drawChange(chance, input) } };
}

function drawChange(chance: Chance, input: ScenarioInput): Change {
  const { loop = 'qemu-10.2', policy = 'qemu' } = input.vmm ?? {};
  // Only QEMU has knobs that a manager turns, and a guest that helps must not be suspended.
  const managed = isQemu(loop as LoopName) && devicesIn(input).every(({ kind }) => kind !== 'guest-cooperative');
  const name = typeof policy === 'object' && 'name' in policy ? policy.name : policy;
  const kinds = [
    'bandwidth',
    'limit',
    'cap',
    // The scenario's own order to cancel stays.
    ...(input.cancelAt === undefined ? (['cancel'] as const) : []),
    ...(managed ? (['manager', 'manager'] as const) : []),
    ...(name === 'qemu' || name === 'no-progress' ? (['policy'] as const) : []),
  ] as const;
  const kind = chance.pick(kinds);
  switch (kind) {
    case 'bandwidth':
      return { 'link.bandwidth': chance.pick(['100Mbit/s', '500Mbit/s', '10Gbit/s']) };
    case 'limit':
      return { 'vmm.downtimeLimit': chance.pick(['30ms', '3s']) };
    case 'cap':
      return { 'vmm.maxBandwidth': chance.pick(['16MiB/s', 'unlimited']) };
    case 'cancel':
      return { cancelAt: `${chance.between(1, 400)}ms` };
    case 'manager':
      return { 'manager.policy': chance.pick(['none', ...MANAGERS.filter((one) => one !== 'ovirt-post-copy')]) };
    case 'policy':
      return { 'vmm.policy': chance.pick(['qemu', 'no-progress', 'predictor']) };
    default:
      return kind satisfies never;
  }
}
