/** Which colour a state has. Colours say what kind of state it is: in what is fine, under way, standing still or wrong; names say which. */
import type { LaneGroup } from '../../view/lanes.ts';

export const TONES = ['quiet', 'good', 'work', 'send', 'send2', 'move', 'stop', 'bad'] as const;
export type Tone = (typeof TONES)[number];

/** What each means, for the legend. */
export const TONE_NAMES: Readonly<Partial<Record<Tone, string>>> = {
  good: 'runs, serves',
  work: 'tracks, pre-copies',
  send: 'sends',
  move: 'under way',
  stop: 'stands still',
  bad: 'failed, gone or in doubt',
  quiet: 'off, idle',
};

const STATES: Readonly<Record<string, Tone>> = {
  none: 'quiet',
  setup: 'move',
  'wait-unplug': 'move',
  active: 'work',
  'pre-switchover': 'stop',
  device: 'stop',
  'postcopy-device': 'stop',
  'postcopy-active': 'send',
  'postcopy-paused': 'bad',
  'postcopy-recover-setup': 'move',
  'postcopy-recover': 'move',
  completed: 'good',
  cancelling: 'bad',
  cancelled: 'bad',
  failing: 'bad',
  failed: 'bad',
  'in-doubt': 'bad',
  'in doubt': 'bad',
  colo: 'work',
  runs: 'good',
  stands: 'stop',
  waits: 'quiet',
  loaded: 'work',
  prepared: 'work',
  gone: 'bad',
  uncertain: 'bad',
  RUNNING: 'good',
  RUNNING_P2P: 'work',
  PRE_COPY: 'work',
  PRE_COPY_P2P: 'work',
  STOP: 'stop',
  STOP_COPY: 'stop',
  RESUMING: 'move',
  ERROR: 'bad',
  unknown: 'bad',
  source: 'good',
  destination: 'good',
  nobody: 'stop',
  'DMA halted': 'stop',
  off: 'quiet',
  stopped: 'quiet',
  tracking: 'work',
  on: 'work',
  reporting: 'move',
  collecting: 'move',
  idle: 'quiet',
  'last copy': 'stop',
  up: 'good',
  down: 'bad',
  alive: 'good',
  silent: 'bad',
  dead: 'bad',
  fenced: 'bad',
  watches: 'quiet',
  watching: 'quiet',
  continue: 'work',
  switchover: 'stop',
  abort: 'bad',
  stuck: 'bad',
};

/** The downtime's parts are told apart by colours of their own. */
const PARTS = ['suspend', 'stop-vcpus', 'quiesce', 'pause', 'final-sync', 'memory', 'device-state', 'load', 'resume'];

export function colourOf(group: LaneGroup, state: string): string {
  if (group === 'downtime') {
    const part = PARTS.indexOf(state);
    return part === -1 ? 'lane-stop' : `part-${part}`;
  }
  return `lane-${toneOf(state)}`;
}

function toneOf(state: string): Tone {
  const known = STATES[state];
  if (known !== undefined) return known;
  if (state.startsWith('pass ')) return Number(state.slice('pass '.length)) % 2 === 1 ? 'send' : 'send2';
  if (state.startsWith('state of ') || state === 'missing pages' || state === 'discards') return 'send';
  if (state.startsWith('throttle') || state.startsWith('slow') || state.endsWith('%')) return 'stop';
  return 'move';
}
