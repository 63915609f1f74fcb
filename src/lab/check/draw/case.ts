/** The case of a seed: a scenario that its own rules accept, what goes wrong in it, and when somebody interferes. */
import { ScenarioError } from '../../scenario/error.ts';
import { scenarioFrom } from '../../scenario/read.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import { type Case, DOUBTS, type FaultInput, type Order } from '../case.ts';
import { drawBranch } from './branch.ts';
import { type Chance, chanceOf } from './chance.ts';
import { drawCancel, drawCrash, drawFaults, drawPosition } from './faults.ts';
import { drawOwn } from './rules.ts';
import { drawScenario } from './scenario.ts';
import { drawOrderAt, drawTheme, drawThemed } from './themes.ts';

export interface Drawn {
  readonly one: Case;
  readonly scenario: Scenario;
  /** Scenarios that were drawn and refused before this one. */
  readonly redraws: number;
}

/** Draws are valid by construction but for a few; so many refused in a row is a generator that is broken. */
const ATTEMPTS_MAX = 20;

/** Same seed, same case. Throws when the generator makes nothing that can be read. */
export function drawCase(seed: number): Drawn {
  let refusal: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const one = drawOnce(seed, attempt);
    try {
      return { one, scenario: scenarioFrom(one.input), redraws: attempt };
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      refusal = error;
    }
  }
  throw new Error(`seed ${seed}: no scenario in ${ATTEMPTS_MAX} draws`, { cause: refusal });
}

function drawOnce(seed: number, attempt: number): Case {
  const chance = chanceOf(seed, `disturbance/${attempt}`);
  const theme = drawTheme(chanceOf(seed, `theme/${attempt}`));
  const sound = drawScenario(seed, attempt, theme);
  const themed = drawThemed(chanceOf(seed, `themed/${attempt}`), theme, sound);
  const plain = theme === 'anything';
  const any =
    plain || chance.percent(theme === 'managed' || theme === 'rules' ? 45 : 30)
      ? drawFaults(chanceOf(seed, `faults/${attempt}`), sound)
      : [];
  const faults = withoutLies([...themed.faults, ...any]);
  const orders = [
    ...themed.orders,
    ...(chance.percent(20) ? Array.from({ length: chance.between(1, 4) }, () => drawOrder(chance, sound)) : []),
  ];
  const input = {
    ...sound,
    ...(faults.length === 0 ? {} : { faults }),
    ...chance.perhaps(plain ? 35 : 12, () => ({ cancelAt: drawCancel(chance) })),
  };
  const crash = theme === 'crash' || chance.percent(plain ? 35 : 20) ? drawCrash(chance, sound, theme) : undefined;
  const doubts = themed.doubts ?? (chance.percent(85) ? [chance.pick(DOUBTS)] : []);
  return {
    seed,
    input,
    ...drawOwn(chanceOf(seed, `own/${attempt}`), theme),
    ...chanceOf(seed, `neighbour/${attempt}`).perhaps(6, () => ({ neighbour: true as const })),
    ...drawBranch(chanceOf(seed, `branch/${attempt}`), theme, input),
    ...(crash === undefined ? {} : { crash }),
    ...(crash === undefined ? {} : chance.perhaps(25, () => ({ secondCrash: drawCrash(chance, sound) }))),
    ...(orders.length === 0 ? {} : { orders }),
    ...(doubts.length === 0 ? {} : { doubts }),
    ...(sound.vmm?.pauseBeforeSwitchover === true
      ? chance.perhaps(60, () => ({
          pause: { order: chance.pick(['CANCEL', 'CANCEL', 'CONTINUE']), afterMs: chance.pick([0, 5, 300]) },
        }))
      : {}),
  };
}

/** At a record, or at a command that the run may give. */
function drawOrder(chance: Chance, input: ScenarioInput): Order {
  const order = drawOrderAt(chance, input);
  return chance.percent(50) ? { ...order, after: drawPosition(chance) } : order;
}

/**
 * A device that may have been plugged all the same is there, and a driver that says it is not is no failure but a lie: nothing
 * could be concluded from any answer. Such an errno becomes one that says nothing.
 */
function withoutLies(faults: readonly FaultInput[]): readonly FaultInput[] {
  if (!faults.some(({ command }) => command === 'plugDevice')) return faults;
  return faults.map((fault) =>
    fault.command === 'removeDevice' && fault.fails === 'ENODEV' ? { ...fault, fails: 'EIO' as const } : fault,
  );
}
