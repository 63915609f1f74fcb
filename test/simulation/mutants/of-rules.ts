/** What judges, slows down, shares a link or is exchanged in the middle of a run, each with one thing wrong. */
import { autoConverge, dirtyLimit, managers, migration, ownPolicy, rollBack } from '../../../machines/index.ts';
import { Peek } from '../../../src/drivers/model/peek.ts';
import type { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { SharedLink } from '../../../src/hardware/shared-link.ts';
import { type Definition, type Mutant, provided, replaced, rewired, type Wrap } from './mutant.ts';
import { either, has, managedBy, ruledBy } from './where.ts';

/** What a guest that is held back writes sets no bit. */
const writesPastTheLog: Wrap = (model) => ({
  ...model,
  perform(command, answer) {
    if (command.name === 'throttleVcpus') model.subscriptions.get('kvm-log')?.unsubscribe();
    model.perform(command, answer);
  },
});

const closesNoPolicy = ({ on = {}, states = {} }: Definition): void => {
  const { BRANCHED } = on;
  if (Array.isArray(BRANCHED?.actions)) {
    BRANCHED.actions = BRANCHED.actions.filter(({ type }: Definition) => type !== 'closePolicy');
  }
  for (const state of Object.values(states)) closesNoPolicy(state);
};

export const RULE_MUTANTS: readonly Mutant[] = [
  {
    name: 'looks at one pass for ever',
    breaks: 'it asks at one instant without end',
    where: managedBy('kubevirt-stall'),
    charts: { manager: provided(managers['kubevirt-stall'].machine, { guards: { passWaits: () => true } }) },
  },
  {
    name: 'goes on managing when pre-copy is over',
    breaks: 'an order comes where nobody is left to take it',
    where: managedBy('kubevirt-downtime-tuning'),
    charts: {
      manager: rewired(managers['kubevirt-downtime-tuning'].machine, ({ on }) => {
        on.DISMISS = {};
      }),
    },
  },
  {
    name: 'leaves a guest that its manager has stopped',
    breaks: 'the migration is over, and nobody runs',
    where: managedBy('libvirt', 'nova', 'kubevirt-legacy'),
    charts: {
      'roll-back': provided(rollBack, { guards: { mayBeStopped: ({ context }: Definition) => context.switching } }),
    },
  },
  {
    name: 'leaves the guest throttled',
    breaks: 'it stays here, and stays slow',
    where: ({ input }) => input.vmm?.autoConverge !== undefined,
    charts: {
      'auto-converge': rewired(autoConverge, ({ on }) => {
        on.RELEASE = '.released';
      }),
    },
  },
  {
    name: 'leaves the dirty limit on',
    breaks: 'it stays here, and its vCPUs are held at every full ring',
    where: ({ input }) => input.vmm?.dirtyLimit !== undefined,
    charts: { 'dirty-limit': rewired(dirtyLimit, ({ states }) => (states.limited.on.RELEASE = 'released')) },
  },
  {
    name: 'lets a throttled guest write past the log',
    breaks: 'what it writes from then on is noticed by nobody',
    where: either(
      ({ input }) => input.vmm?.autoConverge !== undefined || input.vmm?.steppedThrottle !== undefined,
      ruledBy('vmware-sdps', 'cloud-hypervisor-auto-converge'),
    ),
    wrap: writesPastTheLog,
  },
  {
    name: 'forgets a page that it leaves out of a batch',
    breaks: 'it was not dirty again, and is never sent',
    where: ruledBy('xen-2004', 'xen-legacy'),
    plant: () =>
      replaced(
        Peek.prototype,
        'skip',
        (sound) =>
          function (this: Peek, unsent: PageBitmap) {
            const skipped: number = sound.call(this, unsent);
            const first = unsent.next(0);
            if (first !== -1) unsent.clear(first);
            return skipped;
          },
      ),
  },
  {
    name: 'makes up a verdict that nobody gave',
    breaks: 'the guest is stopped by nobody’s decision',
    where: has.ownPolicy,
    charts: {
      policy: rewired(ownPolicy, ({ states }) => {
        states.asking.on['FAILED.decide'].target = 'switching';
      }),
    },
  },
  {
    name: 'opens another policy beside the one that is there',
    breaks: 'two of them judge',
    where: ({ branch }) => branch?.change['vmm.policy'] !== undefined,
    charts: { migration: rewired(migration, closesNoPolicy) },
  },
  {
    name: 'gives each migration a whole link',
    breaks: 'two that share it carry more than it can',
    where: has.neighbour,
    plant: () =>
      replaced(
        SharedLink.prototype,
        'share',
        (sound) =>
          function (this: { bytesPerSecond: number }) {
            this.bytesPerSecond *= 2;
            return sound.call(this);
          },
      ),
  },
];
