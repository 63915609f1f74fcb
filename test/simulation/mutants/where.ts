/** Cases in which something is there that a mutant gets wrong, told by what was drawn and by nothing that was run. */
import type { Case } from '../../../src/lab/check/case.ts';
import { kindOfFault } from '../../../src/lab/check/case.ts';
import { devicesIn } from '../../../src/lab/check/draw/scenario.ts';

export const has = {
  device: ({ input }: Case) => devicesIn(input).length > 0,
  devices: ({ input }: Case) => devicesIn(input).length > 1,
  driverThatHelps: ({ input }: Case) =>
    devicesIn(input).some((one) => one.kind === 'guest-cooperative' && one.cooperation?.cooperates !== false),
  plug: ({ input }: Case) => devicesIn(input).some((one) => 'pluggedAt' in one && one.pluggedAt !== undefined),
  deviceThatLogs: ({ input }: Case) =>
    devicesIn(input).some((one) => 'dmaLogging' in one && one.dmaLogging !== false && one.dmaLogging !== undefined),
  iommuThatTracks: ({ input: { containers = [] } }: Case) =>
    containers.some(({ iommu }) => iommu.kind === 'iommufd' && iommu.dirtyTracking === true),
  postCopy: ({ input }: Case) => input.vmm?.postcopy !== undefined,
  cancel: ({ input, orders = [] }: Case) =>
    input.cancelAt !== undefined || orders.some(({ order }) => order === 'CANCEL'),
  crash: ({ crash }: Case) => crash !== undefined,
  crashWithOutage: ({ crash }: Case) => crash !== undefined && crash.deadMs > 0,
  ownPolicy: ({ own }: Case) => own !== undefined,
  neighbour: ({ neighbour }: Case) => neighbour === true,
  fault: ({ input }: Case) => (input.faults ?? []).length > 0,
} as const;

/** One of the faults is of this command, of these kinds if they are named. */
export function faultOf(command: string, ...kinds: readonly string[]): (one: Case) => boolean {
  return ({ input }) =>
    (input.faults ?? []).some(
      (fault) => fault.command === command && (kinds.length === 0 || kinds.includes(kindOfFault(fault))),
    );
}

export function managedBy(...managers: readonly string[]): (one: Case) => boolean {
  return ({ input }) => managers.includes(String(input.manager?.policy ?? ''));
}

/** The rule of the vmm, unless a function stands in its place. */
export function ruledBy(...rules: readonly string[]): (one: Case) => boolean {
  return ({ own, input: { vmm } }) => {
    const policy = vmm?.policy;
    const name = typeof policy === 'object' && 'name' in policy ? policy.name : policy;
    return own === undefined && rules.includes(String(name));
  };
}

/** One of the faults is of one of these kinds. */
export function faultKind(...kinds: readonly string[]): (one: Case) => boolean {
  return ({ input }) => (input.faults ?? []).some((fault) => kinds.includes(kindOfFault(fault)));
}

/** Somebody cancels while one of these commands is on its way. */
export function cancelDuring(...commands: readonly string[]): (one: Case) => boolean {
  return ({ orders = [] }) =>
    orders.some(
      ({ order, after }) =>
        order === 'CANCEL' &&
        typeof after !== 'number' &&
        after.answered === undefined &&
        commands.includes(after.command),
    );
}

/** The orchestrator dies while one of these commands is on its way. */
export function crashDuring(...commands: readonly string[]): (one: Case) => boolean {
  return ({ crash }) =>
    crash?.effects === 'sent' &&
    typeof crash.after !== 'number' &&
    crash.after.answered === undefined &&
    commands.includes(crash.after.command);
}

export function dirtyLog(...kinds: readonly string[]): (one: Case) => boolean {
  return ({ input }) => kinds.includes(input.vm.dirtyLog ?? '');
}

export function both(...all: readonly ((one: Case) => boolean)[]): (one: Case) => boolean {
  return (one) => all.every((fits) => fits(one));
}

export function either(...some: readonly ((one: Case) => boolean)[]): (one: Case) => boolean {
  return (one) => some.some((fits) => fits(one));
}
