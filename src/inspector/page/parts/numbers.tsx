/** The figures of the instant in one line: what a person asks first, each in its place whether it is known yet or not. */
import type { Course } from '../../view/course.ts';
import { type Series, valueAt } from '../../view/series.ts';
import { bytes, bytesPerSecond, count, digits, duration, moment } from '../format.ts';
import { useStore } from '../store.ts';

export function Numbers() {
  const { instant, run, cursor } = useStore();
  const now = instant.value;
  const course = run.value?.course.value;
  if (now === undefined) return <div class="numbers" aria-live="off" />;
  const root = now.charts[0];
  return (
    <div class="numbers" data-position={now.position} data-folded={course?.folded ?? 0}>
      <Figure name="time" value={moment(cursor.value.atNs)} width={13} />
      <Figure name="record" value={`${now.position} of ${(run.value?.records.value ?? 1) - 1}`} width={13} />
      <Figure name="state" value={root?.value ?? ''} width={22} />
      <Figure name="pass" value={figure(course, 'round', now.position)} width={6} />
      <Figure name="remaining" value={figure(course, 'remaining', now.position)} width={9} />
      <Figure name="threshold" value={figure(course, 'threshold', now.position)} width={9} />
      <Figure
        name="sends"
        title="The mean of the last pass"
        value={figure(course, 'send-rate', now.position)}
        width={10}
      />
      <Figure
        name="dirtied"
        title="By all who write, between the last two syncs; a page written by two counts twice"
        value={dirtied(course, now.position)}
        width={10}
      />
      <Figure name="throttle" value={figure(course, 'throttle', now.position)} width={7} />
      <Figure name="sent in all" value={figure(course, 'bytes-total', now.position)} width={9} />
      <Figure name="downtime" title="So far" value={downtime(course, now.position, cursor.value.atNs)} width={8} />
    </div>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  /** In digits: what changes does not move what is beside it. */
  readonly width: number;
  readonly title?: string;
}

function Figure({ name, value, width, title }: FigureProps) {
  return (
    <span class="figure" style={{ flexBasis: `${width}ch` }} data-figure={name}>
      <span class="name" title={title}>
        {name}
      </span>
      <span class="value" title={value}>
        {value}
      </span>
    </span>
  );
}

function figure(course: Course | undefined, id: string, position: number): string {
  const series = course?.series.find((one) => one.id === id);
  return series === undefined ? '–' : shown(series, valueAt(series, position));
}

function dirtied(course: Course | undefined, position: number): string {
  const known = (course?.series ?? []).filter(({ id }) => id.startsWith('dirty:'));
  const rates = known.flatMap((one) => valueAt(one, position) ?? []);
  return rates.length === 0 ? '–' : bytesPerSecond(rates.reduce((sum, rate) => sum + rate, 0));
}

/** From the moment at which the guest was stopped until it runs again, or until now. */
function downtime(course: Course | undefined, position: number, atNs: number): string {
  const spans = course?.lanes.find(({ group }) => group === 'downtime')?.spans ?? [];
  const [first] = spans;
  if (first === undefined || first.position > position) return '–';
  const endNs = spans.at(-1)?.toNs ?? atNs;
  return duration(Math.max(0, Math.min(atNs, endNs) - first.fromNs));
}

export function shown({ unit }: Pick<Series, 'unit'>, value: number | undefined): string {
  if (value === undefined) return '–';
  switch (unit) {
    case 'bytes':
      return bytes(value);
    case 'bytes/s':
      return bytesPerSecond(value);
    case 'percent':
      return `${digits(value, 3)} %`;
    case 'ms':
      return `${digits(value, 3)} ms`;
    case 'pages':
    case 'count':
      return count(value);
    default:
      return unit satisfies never;
  }
}
