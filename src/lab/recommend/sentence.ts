/** A recommendation in a sentence or two, written by its figures: what holds, or which goal cannot be kept and by how much. */
import { figureText, listed } from '../experiment/words.ts';
import { formatMs } from '../report/format.ts';
import type { Change } from '../trial/policy-choice.ts';
import { overPercent } from './goals.ts';
import type { Judged, Nearest, Recommendation } from './result.ts';

type Told = Omit<Recommendation, 'sentence' | 'exportsTo'>;

export function recommendSentence(told: Told): string {
  const [best, ...more] = told.holding;
  if (best !== undefined) return holds(told, best, more);
  const [nearest] = told.others;
  if (nearest === undefined) return 'No policy can be run with this scenario.';
  const open = told.others.filter(({ verdict, passedOver }) => verdict === 'open' && !passedOver);
  if (open.length > 0) return `${opened(open)} ${missed(told, nearest)}`;
  return missed(told, nearest);
}

function holds({ goals }: Pick<Recommendation, 'goals'>, best: Judged, more: readonly Judged[]): string {
  const figures = goals.map(({ column, name }) => {
    const p95 = best.goals[column]?.p95 ?? null;
    return `${name} ${p95 === null ? 'unknown' : figureText(column, p95)}`;
  });
  const policies = [...new Set(more.map(({ policy }) => policy))].filter((policy) => policy !== best.policy);
  const others = policies.length === 0 ? '' : ` So ${policies.length === 1 ? 'does' : 'do'} ${listed(policies)}.`;
  return `${settingText(best)} keeps every goal, in ${best.kept} of ${best.runs} runs; 95 of 100 of them are within ${listed(figures)}.${others}${withoutService(goals, best)}`;
}

/** Who is promised a downtime may not think of a device that is away for longer than the guest. */
function withoutService(goals: Recommendation['goals'], { policy, serviceDowntimeP95Ms: ms }: Judged): string {
  const downtime = goals.find(({ column }) => column === 'downtimeMs');
  const asked = goals.some(({ column }) => column === 'serviceDowntimeMs');
  if (ms === null || downtime === undefined || asked || ms <= downtime.limit) return '';
  return ` But with ${policy} a device is without service for ${figureText('serviceDowntimeMs', ms)}: --max-service-downtime is the goal for that.`;
}

function opened(open: readonly Judged[]): string {
  const [first] = open as readonly [Judged];
  const more = open.length === 1 ? '' : `, and ${open.length - 1} more`;
  return `Nothing was shown to hold. ${settingText(first)} is open: ${first.kept} of ${first.runs} runs kept every goal${more}.`;
}

function missed({ nearest, goals, waitedMs }: Told, closest: Judged): string {
  const impossible = nearest.filter(({ overPercent: over }) => over === null || over > 0);
  const late = impossible.find(({ goal }) => goal.column === 'totalMs');
  // What was cut short says nothing of the other goals.
  if (late !== undefined && goals.length > 1) {
    const cut = `Runs were waited for no longer than ${formatMs(waitedMs)}, so of the other goals nothing is said.`;
    return `No policy keeps it: ${goalMissed(late, waitedMs)}. ${cut}`;
  }
  if (impossible.length > 0)
    return `No policy keeps it: ${impossible.map((one) => goalMissed(one, waitedMs)).join('; ')}.`;
  if (goals.length === 1) return `Nearest is ${settingText(closest)}, ${closest.kept} of ${closest.runs} runs.`;
  const misses = goals.flatMap(({ column, name, limit }) => {
    const p95 = closest.goals[column]?.p95 ?? null;
    if (p95 === null) return [`${closest.runs - closest.completed} of ${closest.runs} runs do not complete`];
    return p95 > limit ? [`${name} is ${figureText(column, p95)}, ${overText(overPercent(p95, limit))}`] : [];
  });
  const why = misses.length === 0 ? `${closest.kept} of ${closest.runs} runs keep all` : listed([...new Set(misses)]);
  return `Each goal can be kept by itself, but nothing was shown to keep all of them. Nearest is ${settingText(closest)}: ${why}.`;
}

function goalMissed({ goal, p95, overPercent: over, runs, completed, ...setting }: Nearest, waitedMs: number): string {
  const nearest = `${goal.name} within ${figureText(goal.column, goal.limit)} by nobody, nearest is ${settingText(setting)}`;
  if (p95 === null)
    return `${nearest}, ${runs - completed} of ${runs} runs of which do not complete in ${formatMs(waitedMs)}`;
  return `${nearest} with ${figureText(goal.column, p95)}, ${overText(over)}`;
}

/** Of a limit of 0 there is no share. */
function overText(percent: number | null): string {
  if (percent === null) return 'over 0';
  return `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} % over`;
}

/** `nova with manager.downtime=250ms`. */
export function settingText({ policy, constants }: { readonly policy: string; readonly constants: readonly Change[] }) {
  return constants.length === 0 ? policy : `${policy} with ${constants.map(changeText).join(' ')}`;
}

/** As `--set` takes it. */
export function changeText([path, value]: Change): string {
  return `${path}=${typeof value === 'string' || typeof value === 'number' ? value : flow(value)}`;
}

/** YAML in one line without quotes, where its texts need none. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).map(([key, member]) => `${key}: ${flow(member)}`);
  return `{ ${members.join(', ')} }`;
}
