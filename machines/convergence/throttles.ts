/** The throttles of a vmm: what slows a guest down until its memory can be sent. None of them decides about the switchover. */

export interface ThrottleEntry {
  readonly name: ThrottleName;
  readonly description: string;
  /** Where its rule and its constants are published. */
  readonly source: string;
}

export const THROTTLES = ['auto-converge', 'dirty-limit', 'stepped-throttle'] as const;
export type ThrottleName = (typeof THROTTLES)[number];

export const throttles: Readonly<Record<ThrottleName, ThrottleEntry>> = {
  'auto-converge': {
    name: 'auto-converge',
    description: "QEMU's auto-converge: vCPUs sleep for a share of the time.",
    source:
      'QEMU migration/ram.c, migration_trigger_throttle and mig_throttle_guest_down (070afca258, 2015), system/cpu-throttle.c; the sync in the middle of a long pass from 9.2 on (52ac968ab2).',
  },
  'dirty-limit': {
    name: 'dirty-limit',
    description: "QEMU's dirty-limit: each vCPU is held to a rate of new pages.",
    source: 'QEMU migration/ram.c, migration_dirty_limit_guest (8.1, acac51ba24 and following), system/dirtylimit.c.',
  },
  'stepped-throttle': {
    name: 'stepped-throttle',
    description: "Cloud Hypervisor's prototype of auto-converge: slower by the number of passes.",
    source:
      'A prototype for Cloud Hypervisor that no release has: after 4 passes, 10 % more every 2, at most 99 %, in windows of 100 ms.',
  },
};
