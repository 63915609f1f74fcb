/** The time limit of every command passes in a run, and what follows is what machines/deadlines.ts says. */
import { describe, expect, test } from 'vitest';
import { type Consequence, DEADLINES, type WhatFollows } from '../../machines/deadlines.ts';
import { COMMANDS, type CommandName } from '../../machines/words.ts';
import { listDeadlines } from '../../src/lab/deadlines.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { ELSEWHERE, nameOf, PROVOCATIONS, type Provoked, provoke } from './provocations.ts';
import { smallScenario } from './small-scenario.ts';

const commandNames = Object.keys(COMMANDS) as CommandName[];

/** How long each command that was not answered in time had been waited for, in ms. */
function passed({ recorded }: Provoked, name: CommandName): readonly number[] {
  const given = new Map<string, number>();
  return recorded.flatMap(({ record, effects }: Recorded) => {
    for (const effect of effects) if (effect.kind === 'command') given.set(effect.id, record.atNs);
    if (record.kind !== 'input' || record.event.type !== `FAILED.${name}` || record.by !== 'timer') return [];
    return [(record.atNs - (given.get(record.answers as string) as number)) / 1e6];
  });
}

const ENDS: Readonly<Record<WhatFollows, (run: Provoked, name: CommandName) => void>> = {
  'turns-back'({ report }) {
    expect(report).toMatchObject({ outcome: 'failed', guestRunsOn: 'source' });
  },
  'goes-on'({ report }, name) {
    expect(['source', 'destination']).toContain(report.guestRunsOn);
    expect(report.failure?.command).not.toBe(name);
    expect(report.outcome).not.toBe('in-doubt');
  },
  pauses({ report }) {
    expect(report.guestRunsOn).toBe('destination');
  },
  'in-doubt'({ report }) {
    expect(report).toMatchObject({ outcome: 'in-doubt' });
    expect(['nobody', 'unknown']).toContain(report.guestRunsOn);
    expect(report.doubtfulHost).toBeDefined();
  },
};

describe.each(PROVOCATIONS.map((provocation) => ({ name: nameOf(provocation), provocation })))(
  '$name',
  ({ provocation }) => {
    const { command, when } = provocation;
    const row = DEADLINES[command].follows.find((one) => one.when === when);
    const run = provoke(provocation, { kind: 'hang' });

    test('is in the table', () => {
      expect(row).toBeDefined();
    });

    test('is waited for exactly as long as the table says', () => {
      const waits = passed(run, command);
      expect(waits.length).toBeGreaterThan(0);
      for (const waitedMs of waits) expect(waitedMs).toBe(COMMANDS[command].deadlineMs);
    });

    test(`leads to ${row?.leadsTo}`, () => {
      ENDS[(row as Consequence).leadsTo](run, command);
    });
  },
);

test('every command and every row has its run, or says where it is tested', () => {
  const provoked = PROVOCATIONS.map(nameOf);
  const rows = commandNames.flatMap((command) => DEADLINES[command].follows.map(({ when }) => ({ command, when })));
  const without = rows.filter((row) => !provoked.includes(nameOf(row as Parameters<typeof nameOf>[0])));
  expect(
    without.filter(({ command, when }) => ELSEWHERE[when === undefined ? command : `${command} ${when}`] === undefined),
  ).toEqual([]);
});

test('a scenario says otherwise for any of them', () => {
  const scenario = smallScenario({ rest: { deadlines: { stopVcpus: '15s' } } });
  const run = provoke(
    {
      command: 'stopVcpus',
      scenario,
      struck: [{ name: 'stopVcpus', nth: 1 }],
      named: '',
      remedy: '',
      guest: 'source',
    },
    { kind: 'hang' },
  );
  expect(passed(run, 'stopVcpus')).toEqual([15_000]);
  expect(run.report.failure).toMatchObject({ command: 'stopVcpus', errno: 'ETIMEDOUT', deadlineMs: 15_000 });
  expect(run.report.sentence).toContain('stopVcpus was not answered within 15 s (ETIMEDOUT)');
});

test.each(listDeadlines())('$name is listed with its class, its limit, what follows and why', (listed) => {
  const { name, description, why } = listed;
  expect(listed).toMatchObject({ class: COMMANDS[name].class, deadlineMs: COMMANDS[name].deadlineMs });
  expect(description).toContain(listed.class);
  expect(description).toMatch(/^\S+ s, .+\. It .+\.$/);
  expect(why).toMatch(/^(is|asks|waits|walks|writes|starts|tries) .+[^.]$/);
  for (const { text } of listed.follows) expect(description).toContain(text);
});
