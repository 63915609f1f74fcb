/** The faults of a scenario around a driver: the plan in the drivers' words. Without any the driver is what it was. */
import type { RunClock } from '../../clock/clock.ts';
import type { Driver } from '../../drivers/driver.ts';
import { type PlannedEvent, withEvents } from '../../drivers/eventful.ts';
import { type Fault, type PlannedFault, withFaults } from '../../drivers/faulty.ts';
import type { CommandFault, HappeningFault } from '../scenario/faults.ts';
import type { Scenario } from '../scenario/scenario.ts';

/** Throws a RangeError for a driver that cannot be told what the faults need: only a model can. */
export function withScenarioFaults(driver: Driver, { faults = [] }: Pick<Scenario, 'faults'>, clock: RunClock): Driver {
  if (faults.length === 0) return driver;
  const commands = faults.flatMap((fault) => ('command' in fault ? [plannedFault(fault)] : []));
  const events = faults.flatMap((fault) => ('command' in fault ? [] : [plannedEvent(fault)]));
  return withEvents(withFaults(driver, clock, commands), clock, events);
}

function plannedFault(fault: CommandFault): PlannedFault {
  const { command, nth, of } = fault;
  return { nth, name: command, ...(of === undefined ? {} : { of }), fault: kindOf(fault) };
}

function kindOf(fault: CommandFault): Fault {
  if ('restsIn' in fault) return { kind: 'midway', errno: fault.fails, restsIn: fault.restsIn };
  if ('fails' in fault) return { kind: fault.done ? 'done-error' : 'error', errno: fault.fails };
  if ('slowByNs' in fault) return { kind: 'slow', byNs: fault.slowByNs };
  if ('hangs' in fault) return { kind: 'hang' };
  return 'silent' in fault ? { kind: 'silent' } : { kind: 'twice' };
}

function plannedEvent({ when, event }: HappeningFault): PlannedEvent {
  return { when, event };
}
