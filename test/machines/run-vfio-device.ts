/** Runs the device chart through events, from a device found as `input` says, with XState's own transition functions. */
import { initialTransition, transition } from 'xstate';
import { vfioDevice } from '../../machines/vfio-device.ts';
import type { DeviceEvent, DeviceFact, DeviceInput } from '../../machines/vfio-protocol.ts';
import type { DeviceState } from '../../machines/words.ts';

/** The facts of the run, and where it ends. Throws when the chart puts out anything but facts. */
export function run(input: Partial<DeviceInput>, ...events: readonly DeviceEvent[]) {
  let [snapshot] = initialTransition(vfioDevice, { features: 7, onBadImage: 'stay', ...input });
  const facts: DeviceFact[] = [];
  for (const event of events) {
    const [next, actions] = transition(vfioDevice, snapshot, event);
    snapshot = next;
    for (const { type, params } of actions as unknown as { type: string; params: { event: DeviceFact } }[]) {
      if (type !== 'xstate.emit') throw new Error(`not a fact: ${type}`);
      facts.push(params.event);
    }
  }
  return { snapshot, facts, state: snapshot.value };
}

export const set = (target: DeviceState): DeviceEvent => ({ type: 'SET', target, walk: 'whole' });
