/**
 * The vmm's own throttles in a scenario: `vmm.autoConverge`, `vmm.dirtyLimit` and `vmm.steppedThrottle`. Each is `true`, which
 * is its source's defaults, or its parameters. One of them at a time: QEMU refuses auto-converge and dirty-limit together
 * (migration/options.c, migrate_caps_check).
 */
import { z } from 'zod';
import { AUTO_CONVERGE_DEFAULTS, type AutoConvergeParameters } from '../../../machines/convergence/auto-converge.ts';
import { DIRTY_LIMIT_DEFAULTS, type DirtyLimitParameters } from '../../../machines/convergence/dirty-limit.ts';
import {
  STEPPED_THROTTLE_DEFAULTS,
  type SteppedThrottleParameters,
} from '../../../machines/convergence/stepped-throttle.ts';
import { loop } from '../../../machines/loops.ts';
import type { PlanThrottle } from '../../../machines/plan.ts';
import { count, quantity, section, truth } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import { PERCENT, type PercentText } from './quantity.ts';
import type { Scenario, Vmm } from './scenario.ts';
import { dataRate, duration, printDataRate, printDuration } from './values.ts';

export interface Throttles {
  /** Absent: the capability is off. */
  readonly autoConverge?: AutoConvergeParameters;
  readonly dirtyLimit?: DirtyLimitParameters;
  readonly steppedThrottle?: SteppedThrottle;
}

export interface SteppedThrottle extends SteppedThrottleParameters {
  /** The vCPUs sleep for their share of each. */
  readonly windowNs: number;
}

/** Cloud Hypervisor's prototype. */
const WINDOW_NS = 100_000_000;
/** Passes that a run can have at most before a count of them is a mistake in typing: this project's own. */
const PASSES_MAX = 1_000_000;
/** QEMU's least quota is 1 MB/s, of 2^20 bytes (migration/options.c). */
const LIMIT_LEAST_BYTES_PER_SECOND = 2 ** 20;
/** x-vcpu-dirty-limit-period takes 1 to 1000 ms. */
const PERIOD_MAX_MS = 1000;

const percent = (description: string) => quantity<PercentText>(PERCENT, description).optional();

export const throttleShape = {
  autoConverge: z
    .union([
      truth("QEMU's auto-converge capability, with its defaults."),
      section({
        initial: percent('cpu-throttle-initial; 20% by default.'),
        increment: percent('cpu-throttle-increment; 10% by default.'),
        max: percent('max-cpu-throttle; 99% by default.'),
        tailslow: truth('cpu-throttle-tailslow; false by default.').optional(),
        triggerThreshold: percent('throttle-trigger-threshold, of what was sent; 50% by default.'),
      }),
    ])
    .optional(),
  dirtyLimit: z
    .union([
      truth("QEMU's dirty-limit capability, with its defaults; needs vm.dirtyLog: ring."),
      section({
        vcpuDirtyLimit: dataRate('vcpu-dirty-limit: of each vCPU; 1MiB/s by default.').optional(),
        period: duration('x-vcpu-dirty-limit-period; 1s by default.').optional(),
        triggerThreshold: percent('throttle-trigger-threshold, of what was sent; 50% by default.'),
      }),
    ])
    .optional(),
  steppedThrottle: z
    .union([
      truth("Slower by the number of passes: Cloud Hypervisor's prototype of auto-converge."),
      section({
        afterPasses: count(1, PASSES_MAX, 'Passes without a throttle; 4 by default.').optional(),
        everyPasses: count(1, PASSES_MAX, 'Passes from one step to the next; 2 by default.').optional(),
        step: percent('10% by default.'),
        max: percent('99% by default.'),
        window: duration('The vCPUs sleep for their share of each; 100ms by default.').optional(),
      }),
    ])
    .optional(),
};

const shape = z.object(throttleShape);
type Read = z.output<typeof shape>;

export function normaliseThrottles({ autoConverge, dirtyLimit, steppedThrottle }: Read): Throttles {
  return {
    ...(isOff(autoConverge) ? {} : { autoConverge: readAutoConverge(autoConverge) }),
    ...(isOff(dirtyLimit) ? {} : { dirtyLimit: readDirtyLimit(dirtyLimit) }),
    ...(isOff(steppedThrottle) ? {} : { steppedThrottle: readSteppedThrottle(steppedThrottle) }),
  };
}

const isOff = <T>(read: T | boolean | undefined): read is false | undefined => read === undefined || read === false;

function readAutoConverge(read: Exclude<Read['autoConverge'], false | undefined>): AutoConvergeParameters {
  if (read === true) return AUTO_CONVERGE_DEFAULTS;
  const byDefault = AUTO_CONVERGE_DEFAULTS;
  return {
    initialPercent: read.initial ?? byDefault.initialPercent,
    incrementPercent: read.increment ?? byDefault.incrementPercent,
    maxPercent: read.max ?? byDefault.maxPercent,
    tailslow: read.tailslow ?? byDefault.tailslow,
    triggerThresholdPercent: read.triggerThreshold ?? byDefault.triggerThresholdPercent,
  };
}

function readDirtyLimit(read: Exclude<Read['dirtyLimit'], false | undefined>): DirtyLimitParameters {
  if (read === true) return DIRTY_LIMIT_DEFAULTS;
  const byDefault = DIRTY_LIMIT_DEFAULTS;
  return {
    bytesPerSecond: read.vcpuDirtyLimit ?? byDefault.bytesPerSecond,
    periodMs: read.period === undefined ? byDefault.periodMs : read.period / 1e6,
    triggerThresholdPercent: read.triggerThreshold ?? byDefault.triggerThresholdPercent,
  };
}

function readSteppedThrottle(read: Exclude<Read['steppedThrottle'], false | undefined>): SteppedThrottle {
  const byDefault = { ...STEPPED_THROTTLE_DEFAULTS, windowNs: WINDOW_NS };
  if (read === true) return byDefault;
  return {
    afterPasses: read.afterPasses ?? byDefault.afterPasses,
    everyPasses: read.everyPasses ?? byDefault.everyPasses,
    stepPercent: read.step ?? byDefault.stepPercent,
    maxPercent: read.max ?? byDefault.maxPercent,
    windowNs: read.window ?? byDefault.windowNs,
  };
}

/** The one that is on. */
export function planThrottle({ autoConverge, dirtyLimit, steppedThrottle }: Throttles): PlanThrottle | undefined {
  if (autoConverge !== undefined) return { rule: 'auto-converge', ...autoConverge };
  if (dirtyLimit !== undefined) return { rule: 'dirty-limit', ...dirtyLimit };
  if (steppedThrottle === undefined) return undefined;
  const { windowNs, ...parameters } = steppedThrottle;
  return { rule: 'stepped-throttle', ...parameters };
}

/** What the modelled vCPUs have to know; nothing where nobody throttles them. */
export function throttledVcpus({ vm, vmm }: Scenario) {
  if (planThrottle(vmm) === undefined) return {};
  return {
    count: vm.vcpus,
    ...(vmm.steppedThrottle === undefined ? {} : { throttleWindowNs: vmm.steppedThrottle.windowNs }),
    ...(vmm.dirtyLimit === undefined ? {} : { dirtyLimit: true as const }),
  };
}

export function checkThrottles({ vm, vmm }: Scenario): readonly Finding[] {
  const { autoConverge, dirtyLimit, steppedThrottle } = vmm;
  const path = (...keys: readonly string[]): Path => ['vmm', ...keys];
  const on = (['autoConverge', 'dirtyLimit', 'steppedThrottle'] as const).filter((key) => vmm[key] !== undefined);
  const found: Finding[] = [];
  if (on[1] !== undefined) found.push(finding(path(on[1]), `excludes ${on[0]}: a vmm throttles in one way`));
  if (autoConverge !== undefined) found.push(...checkAutoConverge(autoConverge, vmm, path('autoConverge')));
  if (dirtyLimit !== undefined) found.push(...checkDirtyLimit(dirtyLimit, vm, path('dirtyLimit')));
  if (steppedThrottle !== undefined) found.push(...checkStepped(steppedThrottle, vmm, path('steppedThrottle')));
  return found;
}

/** migration/options.c, migrate_params_check: 1 to 99, and the maximum is not below the initial one. */
function checkAutoConverge(parameters: AutoConvergeParameters, { loop: name }: Vmm, path: Path): readonly Finding[] {
  const { initialPercent, incrementPercent, maxPercent, triggerThresholdPercent } = parameters;
  const found: Finding[] = [];
  if (!loop(name).throttling.autoConverge) found.push(finding(path, `the loop ${name} does not throttle like that`));
  found.push(
    ...outside(initialPercent, 99, [...path, 'initial']),
    ...outside(incrementPercent, 99, [...path, 'increment']),
    ...outside(maxPercent, 99, [...path, 'max']),
    ...outside(triggerThresholdPercent, 100, [...path, 'triggerThreshold']),
  );
  if (maxPercent < initialPercent) found.push(finding([...path, 'max'], `is below initial, ${initialPercent}%`));
  return found;
}

function checkDirtyLimit(limit: DirtyLimitParameters, { dirtyLog }: Scenario['vm'], path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (dirtyLog !== 'ring' && dirtyLog !== 'range-ring')
    found.push(finding(path, `holds vCPUs at their full dirty rings: it needs vm.dirtyLog: ring, not ${dirtyLog}`));
  if (limit.bytesPerSecond < LIMIT_LEAST_BYTES_PER_SECOND || limit.bytesPerSecond % 2 ** 20 !== 0)
    found.push(finding([...path, 'vcpuDirtyLimit'], 'QEMU takes whole MiB/s from 1MiB/s on'));
  if (!(Number.isInteger(limit.periodMs) && limit.periodMs >= 1 && limit.periodMs <= PERIOD_MAX_MS))
    found.push(finding([...path, 'period'], 'QEMU takes whole milliseconds from 1ms to 1s'));
  found.push(...outside(limit.triggerThresholdPercent, 100, [...path, 'triggerThreshold']));
  return found;
}

function checkStepped(stepped: SteppedThrottle, { loop: name }: Vmm, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (name.startsWith('qemu-'))
    found.push(finding(path, `${name} has no throttle by passes; vmm.autoConverge is what it has`));
  found.push(
    ...outside(stepped.stepPercent, 99, [...path, 'step']),
    ...outside(stepped.maxPercent, 99, [...path, 'max']),
  );
  if (stepped.windowNs === 0) found.push(finding([...path, 'window'], 'must be longer than 0'));
  return found;
}

function outside(percentage: number, most: number, path: Path): readonly Finding[] {
  if (Number.isInteger(percentage) && percentage >= 1 && percentage <= most) return [];
  return [finding(path, `is a whole percentage from 1% to ${most}%, not ${percentage}%`)];
}

export function printThrottles({ autoConverge, dirtyLimit, steppedThrottle }: Throttles): z.input<typeof shape> {
  const text = (percentage: number) => `${percentage}%` as const;
  return {
    ...(autoConverge === undefined
      ? {}
      : {
          autoConverge: {
            initial: text(autoConverge.initialPercent),
            increment: text(autoConverge.incrementPercent),
            max: text(autoConverge.maxPercent),
            tailslow: autoConverge.tailslow,
            triggerThreshold: text(autoConverge.triggerThresholdPercent),
          },
        }),
    ...(dirtyLimit === undefined
      ? {}
      : {
          dirtyLimit: {
            vcpuDirtyLimit: printDataRate(dirtyLimit.bytesPerSecond),
            period: printDuration(dirtyLimit.periodMs * 1e6),
            triggerThreshold: text(dirtyLimit.triggerThresholdPercent),
          },
        }),
    ...(steppedThrottle === undefined
      ? {}
      : {
          steppedThrottle: {
            afterPasses: steppedThrottle.afterPasses,
            everyPasses: steppedThrottle.everyPasses,
            step: text(steppedThrottle.stepPercent),
            max: text(steppedThrottle.maxPercent),
            window: printDuration(steppedThrottle.windowNs),
          },
        }),
  };
}
