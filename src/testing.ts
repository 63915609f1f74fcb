/**
 * `switchover/testing`: for whoever writes a driver. The suite that every driver must pass, a driver that fails on a plan,
 * and what a test needs to stand on: the virtual clock and the modelled hardware.
 */

export type { Entry, RunClock } from './clock/clock.ts';
export { VirtualClock } from './clock/virtual-clock.ts';
export { type ConformanceSubject, driverConformance, type TestFramework } from './drivers/conformance.ts';
export { ERRNOS_BY_COMMAND, type ErrnoCause } from './drivers/errnos.ts';
export { type PlannedEvent, withEvents } from './drivers/eventful.ts';
export { type Fault, type PlannedFault, withFaults } from './drivers/faulty.ts';
export type { Mishaps, WorldEvent } from './drivers/mishaps.ts';
export { createModelDriver, type Inspection, type ModelDriver } from './drivers/model/model-driver.ts';
export type { ModelSpec } from './drivers/model/spec.ts';
export { modelSpecOf } from './lab/model/spec.ts';
