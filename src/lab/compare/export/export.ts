/**
 * The settings of a policy as another system takes them: what there is a key for is written with that key, what there is none
 * for is said in a comment, and a policy that the system cannot run is refused with those that it can.
 */
import type { Scenario } from '../../scenario/scenario.ts';
import { chRemoteText } from './ch-remote.ts';
import { kubevirtText } from './kubevirt.ts';
import { novaText } from './nova.ts';
import type { Exported } from './settings.ts';
import type { ExportName } from './targets.ts';
import { virshText } from './virsh.ts';

/** `policy` is its name as it was asked for; `scenario` has it. */
export function exportText(system: ExportName, policy: string, scenario: Scenario): Exported {
  switch (system) {
    case 'kubevirt':
      return kubevirtText(policy, scenario);
    case 'nova':
      return novaText(policy, scenario);
    case 'virsh':
      return virshText(policy, scenario);
    case 'ch-remote':
      return chRemoteText(policy, scenario);
    default:
      return system satisfies never;
  }
}
