/** What a device may do in each state: the table of states in include/uapi/linux/vfio.h, as tags that a model asks for. */
import { expect, test } from 'vitest';
import { initialTransition } from 'xstate';
import { vfioDevice } from '../../machines/vfio-device.ts';
import { DEVICE_STATES, type DeviceState } from '../../machines/words.ts';

const TAGS: Readonly<Record<DeviceState, readonly string[]>> = {
  ERROR: [],
  STOP: [],
  RUNNING: ['dma', 'p2p'],
  STOP_COPY: ['saving'],
  RESUMING: ['resuming'],
  RUNNING_P2P: ['dma'],
  PRE_COPY: ['dma', 'p2p', 'pre-copy', 'saving'],
  PRE_COPY_P2P: ['dma', 'pre-copy', 'saving'],
};

test.each(DEVICE_STATES)('%s', (initial) => {
  const [found] = initialTransition(vfioDevice, { features: 7, initial, onBadImage: 'stay' });
  expect(found.value).toBe(initial);
  expect([...found.tags].toSorted()).toEqual(TAGS[initial]);
});

test('there are the eight states of the kernel, each with a description', () => {
  expect(Object.keys(vfioDevice.states).toSorted()).toEqual(DEVICE_STATES.toSorted());
  for (const [state, node] of Object.entries(vfioDevice.states)) expect(node.description, state).toBeTruthy();
});

test('a device is found RUNNING unless it is said to be elsewhere', () => {
  const [found] = initialTransition(vfioDevice, { features: 1, onBadImage: 'stay' });
  expect(found.value).toBe('RUNNING');
});
