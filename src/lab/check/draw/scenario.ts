/** One scenario put together from every concern's own draws: a VM, its devices, where it goes and by what rules. */
import type { ScenarioInput } from '../../scenario/schema.ts';
import { chanceOf } from './chance.ts';
import { drawContainers } from './containers.ts';
import type { DeviceInput } from './devices.ts';
import { drawRoom, type Room } from './room.ts';
import { drawManager, drawShadows } from './rules.ts';
import type { Theme } from './themes.ts';
import { drawVm } from './vm.ts';
import { drawHosts, drawMultifd, drawVmm, LINKS } from './vmm.ts';

/**
 * Commands that have minutes and hours by default wait for seconds here, so that one that hangs costs a check nothing; this
 * project's own.
 */
const DEADLINES = {
  sendRound: '5s',
  sendRemaining: '5s',
  sendDeviceState: '5s',
  loadDestination: '5s',
  startDestination: '5s',
  prepareDestination: '5s',
  dirtyDmaPages: '5s',
} as const;

/** How long it may take after the first pass, ms. */
const waitsMs = ({ theme, throttle, manager }: Room): readonly number[] => {
  // Two bad periods of a second come first.
  if (throttle !== undefined) return [3500, 5000];
  // Nova counts whole seconds.
  if (theme === 'managed') return manager === 'nova' ? [1500] : [500, 1000];
  return theme === 'anything' ? [150, 400, 900] : [900, 2500];
};

/** `attempt`: which try for this seed; a scenario that the rules refuse is drawn again. */
export function drawScenario(seed: number, attempt = 0, theme: Theme = 'anything'): ScenarioInput {
  const chance = (concern: string) => chanceOf(seed, `${concern}/${attempt}`);
  const room = drawRoom(chance('room'), theme);
  const run = chance('run');
  const containers = drawContainers(chance('containers'), room);
  const hosts = drawHosts(chance('hosts'), theme);
  // So many bits over so many bits a millisecond, with the headers: how long the first pass takes.
  const bulkMs = Math.ceil((room.pages * room.pageKiB * 8192 * 1.1) / (LINKS[hosts.link.bandwidth] / 1000));
  const vmm = {
    ...drawVmm(chance('vmm'), room, containers.length > 0),
    ...drawMultifd(chance('multifd'), room, containers.length > 0),
  };
  const { manager } = room;
  const shadows = drawShadows(chance('shadows'), theme, vmm);
  return {
    name: `check ${seed}`,
    vm: drawVm(chance('vm'), room),
    containers,
    ...hosts,
    vmm,
    ...(manager === undefined ? {} : { manager: drawManager(chance('manager'), manager, vmm.postcopy !== undefined) }),
    ...(shadows.length === 0 ? {} : { shadows }),
    giveUpAfter: `${bulkMs + run.pick(waitsMs(room))}ms`,
    deadlines: DEADLINES,
    seed: seed % 2 ** 32,
    checks: { truth: run.percent(15) ? 'both' : run.pick(['bit', 'versions']) },
  };
}

export function devicesIn({ containers = [] }: Pick<ScenarioInput, 'containers'>): readonly DeviceInput[] {
  return containers.flatMap(({ devices }) => devices);
}
