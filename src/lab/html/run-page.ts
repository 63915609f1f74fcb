/** The page of one migration: what came of it, where its time and bytes went, who decided what and why, and how to run it again. */
import { formatBytes, formatMs } from '../report/format.ts';
import { originText } from '../report/origin.ts';
import type { Report } from '../report/report.ts';
import { shadowsText } from '../report/shadows.ts';
import { printScenario } from '../scenario/print.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { html, type Markup } from './markup.ts';
import { type Figure, type PageContents, pageText, sectionMarkup } from './page.ts';
import { type Plot, plotMarkup } from './plot.ts';
import { closeCourse, wholeCourse } from './plots/course.ts';
import { dirtyRatePlot } from './plots/dirty-rate.ts';
import { downtimePlot } from './plots/downtime.ts';
import { endMs, remainingPlot } from './plots/remaining.ts';
import { type ThrottleStep, throttlePlot } from './plots/throttle.ts';
import { throughputPlot } from './plots/throughput.ts';
import {
  aftermathTable,
  checksTable,
  decisionsTable,
  devicesTable,
  postCopyTable,
  roundsTable,
  trackersTable,
} from './run-tables.ts';
import type { Course } from './timeline.ts';

export interface RunPageInput {
  readonly report: Report;
  readonly scenario: Scenario;
  /** Who was in which state when, where the records were at hand. */
  readonly course?: Course | undefined;
  /** What was typed. */
  readonly command?: string | undefined;
}

export function runPage({ report, scenario, course, command }: RunPageInput): string {
  return pageText({
    kind: 'Migration',
    title: report.scenario,
    verdict: verdictOf(report),
    lead: report.sentence,
    about: aboutOf(report),
    figures: figuresOf(report),
    body: [
      warningsMarkup(report),
      sectionMarkup('What happened', plotsOf(report, scenario, course).map(plotMarkup)),
      sectionMarkup('In numbers', [
        aftermathTable(report),
        roundsTable(report),
        decisionsTable(report),
        shadowsMarkup(report),
        devicesTable(report),
        postCopyTable(report),
        trackersTable(report),
        checksTable(report),
      ]),
    ],
    command,
    appendix: html`<details><summary>The scenario</summary><pre>${printScenario(scenario)}</pre></details>`,
    data: { report, ...(course === undefined ? {} : { course }) },
  });
}

/** Without a course the statuses of the report are its only lane. */
function plotsOf(report: Report, scenario: Scenario, course: Course | undefined): readonly Plot[] {
  const { totalMs } = report;
  const spans = course?.spans ?? statusSpans(report);
  const plots = [
    remainingPlot(report),
    dirtyRatePlot(report, scenario.vm.pageSizeBytes),
    downtimePlot(report),
    throttlePlot(
      course?.throttle.some(({ percent }) => percent > 0) ? course.throttle : throttleByRound(report),
      totalMs,
    ),
    throughputPlot(report),
    wholeCourse(spans, totalMs),
    closeCourse(spans, totalMs),
  ];
  return plots.filter((plot) => plot !== undefined);
}

function statusSpans({ status, totalMs }: Report): Course['spans'] {
  return status.map(({ atMs, status: state }, nth) => ({
    lane: 'migration',
    state,
    fromMs: atMs,
    toMs: status[nth + 1]?.atMs ?? totalMs,
  }));
}

/** As the policy saw it at the end of each round. */
function throttleByRound({ rounds }: Report): readonly ThrottleStep[] {
  return rounds
    .filter(({ verdict }) => verdict !== null)
    .map((round) => ({ atMs: endMs(round), percent: round.throttlePercent }));
}

function verdictOf({ outcome, checks, expectations }: Report): NonNullable<PageContents['verdict']> {
  if (checks.some(({ held }) => !held)) return { word: `${outcome}, an invariant was broken`, mood: 'bad' };
  if (expectations.some(({ held }) => !held)) return { word: `${outcome}, not as expected`, mood: 'mixed' };
  switch (outcome) {
    case 'completed':
      return { word: outcome, mood: 'good' };
    case 'cancelled':
    case 'unconverged':
      return { word: outcome, mood: 'mixed' };
    case 'failed':
    case 'blocked':
    case 'in-doubt':
      return { word: outcome, mood: 'bad' };
    default:
      return outcome satisfies never;
  }
}

function aboutOf({ vmm, manager, seed, version, origin }: Report): readonly string[] {
  return [
    `loop ${vmm.loop}`,
    `policy ${vmm.policy}`,
    ...(manager.policy === 'none' ? [] : [`manager ${manager.policy}`]),
    `seed ${seed}`,
    `version ${version}`,
    ...(origin === undefined ? [] : [originText(origin)]),
  ];
}

function figuresOf(report: Report): readonly Figure[] {
  const { totalMs, downtimeMs, bytes, rounds, guest, devices, vmm, missingBytes } = report;
  const services = devices.flatMap(({ id, serviceDowntimeMs }) =>
    serviceDowntimeMs === null ? [] : [{ id, ms: serviceDowntimeMs }],
  );
  const worst = services.sort((a, b) => b.ms - a.ms)[0];
  return [
    { name: 'total', value: formatMs(totalMs), note: `${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}` },
    {
      name: 'downtime',
      value: downtimeMs === null ? 'unknown' : formatMs(downtimeMs),
      note: `limit ${formatMs(vmm.downtimeLimitMs)}`,
    },
    ...(worst === undefined
      ? []
      : [
          {
            name: 'service downtime',
            value: formatMs(worst.ms),
            note: services.length === 1 ? `of ${worst.id}` : `the worst, ${worst.id}`,
          },
        ]),
    { name: 'sent', value: formatBytes(bytes.total), note: `${formatBytes(bytes.resent)} again` },
    ...(missingBytes === null
      ? []
      : [{ name: 'not sent', value: formatBytes(missingBytes), note: 'known dirty at the end' }]),
    { name: 'slowdown', value: `${guest.slowdownPercent} %`, note: 'of the guest, downtime included' },
  ];
}

/** What the policies that only watched would have done. */
function shadowsMarkup(report: Report): Markup {
  const lines = shadowsText(report)
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length === 0) return html``;
  const items = lines.map((line) => html`<li>${line.trim()}</li>`);
  return html`<section class="table"><h3>What shadows would have done</h3><ul class="notes">${items}</ul></section>`;
}

function warningsMarkup({ warnings }: Report): Markup {
  if (warnings.length === 0) return html``;
  return sectionMarkup('Warnings', [
    html`<ul class="notes">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`,
  ]);
}
