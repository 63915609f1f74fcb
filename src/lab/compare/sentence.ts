/**
 * What a comparison came to, in sentences that its figures write: who keeps the guest and the service away for the shortest
 * time, what each costs against the first, who does not complete, and who makes no difference here.
 */
import { listed } from '../experiment/words.ts';
import { formatBytes, formatMs } from '../report/format.ts';
import type { Against, ComparedName, Comparison, PolicyFigures } from './comparison.ts';

export function comparisonSentences(comparison: Comparison): readonly string[] {
  const { policies, reference } = comparison;
  const distinct = policies.filter(({ sameAs }) => sameAs === null);
  return [
    ...shortest(distinct, comparison),
    ...distinct.flatMap((one) => against(one, reference)),
    ...unsure(distinct, reference),
    ...sameness(policies),
    ...distinct.flatMap(unfinished),
  ];
}

/** Only those of which every run completed can be relied on. */
function shortest(policies: readonly PolicyFigures[], { seeds }: Comparison): readonly string[] {
  const whole = policies.filter(({ completed }) => completed.count === completed.of);
  if (whole.length === 0) return ['No policy completes with every seed.'];
  if (policies.length === 1) return [];
  const runs = seeds.length === 1 ? 'their run' : `all ${seeds.length} runs`;
  const downtime = `Of those that complete in ${runs}, the guest stands for the shortest time with ${best(whole, 'downtimeMs')}.`;
  const services = whole.some(({ figures }) => figures.serviceDowntimeMs !== null);
  return services
    ? [downtime, `A device is without service for the shortest time with ${best(whole, 'serviceDowntimeMs')}.`]
    : [downtime];
}

function best(policies: readonly PolicyFigures[], measure: 'downtimeMs' | 'serviceDowntimeMs'): string {
  const sorted = policies
    .flatMap(({ policy, figures }) => (figures[measure] === null ? [] : [{ policy, mean: figures[measure].mean }]))
    .sort((a, b) => a.mean - b.mean);
  const [first, ...others] = sorted.slice(0, 3).map(({ policy, mean }) => `${policy} (${formatMs(mean)})`);
  return others.length === 0 ? `${first}` : `${first}, then ${listed(others)}`;
}

/** Downtime, the service and the price in time, bytes and speed: what a sentence can hold. */
const TOLD = {
  downtimeMs: (much: string, than: string) => `stops the guest for ${much} ${than}`,
  serviceDowntimeMs: (much: string, than: string) => `leaves a device without service for ${much} ${than}`,
  totalMs: (much: string, than: string) => `takes ${much} ${than} in all`,
  bytesTotal: (much: string, than: string) => `sends ${much} ${than}`,
  slowdownPercent: (much: string, than: string) => `slows the guest down by ${much} ${than}`,
} as const;
type ToldName = keyof typeof TOLD;

function against({ policy, against: found, completed }: PolicyFigures, reference: string): readonly string[] {
  if (found === null) return [];
  const names = Object.keys(TOLD) as ToldName[];
  const parts = names.flatMap((measure) => {
    const difference = found.figures[measure];
    if (difference?.significant !== true) return [];
    // A service that was away for just as much longer as the guest stood is the same thing told twice.
    if (measure === 'serviceDowntimeMs' && isAlike(difference, found.figures.downtimeMs)) return [];
    return [differenceText(measure, difference)];
  });
  const often = found.completed.significant ? [`completes in ${completed.count} of ${completed.of} runs`] : [];
  const all = [...often, ...parts];
  return all.length === 0 ? [] : [`Against ${reference}, ${policy} ${listed(all)}.`];
}

/** Those of which nothing sure can be said, though there is more than one pair to say it by. */
function unsure(policies: readonly PolicyFigures[], reference: string): readonly string[] {
  const names = policies.flatMap(({ policy, against: found }) => {
    if (found === null || found.completed.significant) return [];
    const differences = Object.values(found.figures).filter((difference) => difference !== null);
    const isOpen = differences.some(({ n }) => n > 1) && !differences.some(({ significant }) => significant);
    return isOpen ? [policy] : [];
  });
  if (names.length === 0) return [];
  return [`No difference is sure between ${reference} and ${listed(names)}; more seeds may show one.`];
}

function isAlike({ mean }: Against, other: Against | null): boolean {
  return other?.significant === true && figureOf('downtimeMs', mean) === figureOf('downtimeMs', other.mean);
}

function differenceText(measure: ToldName, { mean, interval }: Against): string {
  const reach = interval === null ? 0 : (interval.high - interval.low) / 2;
  const spread = reach === 0 ? '' : ` (${reachOf(measure, reach)})`;
  return TOLD[measure](`${amountOf(measure, Math.abs(mean))}${spread}`, mean < 0 ? 'less' : 'more');
}

/** Between two shares there are points, not per cent. */
function amountOf(measure: ToldName, figure: number): string {
  return measure === 'slowdownPercent' ? `${Number(figure.toPrecision(2))} points` : figureOf(measure, figure);
}

/** How far an interval reaches from its middle, as the table and the sentences write it. */
export function reachOf(measure: ComparedName, reach: number): string {
  switch (measure) {
    case 'slowdownPercent':
    case 'rounds':
      return `±${Number(reach.toPrecision(2))}`;
    default:
      return `±${figureOf(measure, Number(reach.toPrecision(2)))}`;
  }
}

/** A figure as the table and the sentences write it. */
export function figureOf(measure: ComparedName, figure: number): string {
  switch (measure) {
    case 'downtimeMs':
    case 'serviceDowntimeMs':
    case 'totalMs':
      return formatMs(figure);
    case 'bytesTotal':
    case 'bytesWasted':
      return formatBytes(figure);
    case 'rounds':
      return String(Number(figure.toPrecision(figure >= 1000 ? 4 : 3)));
    case 'slowdownPercent':
      return `${Number(figure.toPrecision(3))} %`;
    default:
      return measure satisfies never;
  }
}

function sameness(policies: readonly PolicyFigures[]): readonly string[] {
  const firsts = [...new Set(policies.flatMap(({ sameAs }) => sameAs ?? []))];
  return firsts.map((first) => {
    const same = policies.filter(({ sameAs }) => sameAs === first).map(({ policy }) => policy);
    return `${listed(same)} ${same.length === 1 ? 'makes' : 'make'} no difference here: every run is as with ${first}.`;
  });
}

function unfinished({ policy, outcomes, reasons, unfinished: cost, completed }: PolicyFigures): readonly string[] {
  if (cost === null) return [];
  const ends = Object.entries(outcomes)
    .filter(([outcome]) => outcome !== 'completed')
    .map(([outcome, { count }]) => `${count} of ${completed.of} ${outcome}`);
  const most = Math.round(100 * completed.interval.high);
  const [reason] = reasons;
  const why = reason === undefined || reason.reason === '' ? '' : ` (${reason.reason})`;
  const spent =
    cost.bytesTotal.mean === 0
      ? ''
      : `, after ${formatMs(cost.totalMs.mean)} and ${formatBytes(cost.bytesTotal.mean)} sent`;
  const bound = completed.count === 0 && completed.of > 1 ? `; at most ${most} % of runs would complete` : '';
  return [`${policy}: ${ends.join(', ')}${why}${spent}${bound}.`];
}
