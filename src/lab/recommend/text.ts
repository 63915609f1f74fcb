/** A recommendation as text for a terminal: the sentence, who holds and who comes near, and the commands to see it and take it home. */
import { figureText } from '../experiment/words.ts';
import { commandLine, quoted } from '../report/command-line.ts';
import { plainTable } from '../report/text.ts';
import type { Judged, Recommendation } from './result.ts';
import { changeText } from './sentence.ts';

export interface RecommendTextOptions {
  /** ANSI bold. */
  readonly colour?: boolean;
  /** As it was named on the command line. */
  readonly scenario: string;
}

/** Of who does not hold: enough to see how near one comes. */
const OTHERS_MAX = 12;

export function recommendText(told: Recommendation, { colour = false, scenario }: RecommendTextOptions): string {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const { holding, others, leftOut, broken } = told;
  const shown = nearestOfEach(others);
  const more = others.length - shown.length;
  const parts = [
    bold(told.sentence),
    ...(broken.length === 0 ? [] : [`BROKEN, the figures are void:\n  ${broken.slice(0, OTHERS_MAX).join('\n  ')}`]),
    ...(holding.length === 0 ? [] : [`${bold('Hold')}\n${table(told, holding)}`]),
    ...(shown.length === 0
      ? []
      : [
          `${bold('Not shown to hold')}, the best constants of each policy\n${table(told, shown)}${more > 0 ? `\n  and ${more} more; --json has all` : ''}`,
        ]),
    ...(leftOut.length === 0
      ? []
      : [`Left out:\n${leftOut.map(({ policy, because }) => `  ${policy}: ${because}`).join('\n')}`]),
    `${told.runs} runs, seeds from ${told.firstSeed}. ${ruleText(told)}`,
    ...commands(holding[0] ?? others[0], scenario, told.exportsTo),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

function nearestOfEach(others: readonly Judged[]): readonly Judged[] {
  const policies = new Set<string>();
  return others
    .filter(({ policy }) => {
      const isFirst = !policies.has(policy);
      policies.add(policy);
      return isFirst;
    })
    .slice(0, OTHERS_MAX);
}

function table({ goals }: Recommendation, judged: readonly Judged[]): string {
  const head = ['policy', 'constants', 'runs that keep all', ...goals.map(({ name }) => `${name}, p95`), 'verdict'];
  const rows = judged.map((one) => [
    one.policy,
    one.constants.map(changeText).join(' ') || 'as published',
    `${one.kept} of ${one.runs}`,
    ...goals.map(({ column, limit }) => {
      const p95 = one.goals[column]?.p95 ?? null;
      if (p95 === null) return `${one.runs - one.completed} incomplete`;
      return `${figureText(column, p95)}${p95 > limit ? ' *' : ''}`;
    }),
    one.passedOver ? 'not run on' : one.verdict,
  ]);
  const missed = judged.some((one) => goals.some(({ column, limit }) => (one.goals[column]?.p95 ?? 0) > limit));
  const shown = plainTable(head, rows, [0, 1, 3 + goals.length]);
  return missed
    ? `${shown}\n  * over its goal of ${goals.map((goal) => `${goal.name} ${figureText(goal.column, goal.limit)}`).join(', ')}`
    : shown;
}

function ruleText({ rule }: Recommendation): string {
  return `${rule[0]!.toUpperCase()}${rule.slice(1)}; p95: 95 of 100 of these runs are within it.`;
}

function commands(best: Judged | undefined, scenario: string, exportsTo: string | null): readonly string[] {
  if (best === undefined) return [];
  const set = best.constants.flatMap((change) => ['--set', changeText(change)]);
  const chosen = commandLine(['--policy', best.policy, ...set]);
  const name = quoted(scenario);
  const see = `See it:        npx switchover run ${name} ${chosen}`;
  const take = `Take it home:  npx switchover compare ${name} ${chosen} --export ${exportsTo}`;
  return [exportsTo === null ? see : `${see}\n${take}`];
}
