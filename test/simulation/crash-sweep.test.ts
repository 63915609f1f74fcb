/**
 * The orchestrator of a modelled run dies after every record, and every command that it had open is not done, half done, or
 * done, each for itself in three sweeps. Every end is legal, every checker holds, and the journal that comes of it folds and
 * can be made again; so can one whose recovery crashed as well.
 */
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { FATES } from '../../src/lab/outage.ts';
import { reenact } from '../../src/lab/re-enact.ts';
import { type RecoveredRun, type RecoverRunOptions, recoverRun } from '../../src/lab/recover-modelled.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { RecoveryError } from '../../src/run/recovery-error.ts';
import { replay } from '../../src/run/replay.ts';
import { nic0, nic1, smallInput } from '../lab/small-scenario.ts';

const nic = { dma: { rate: '10MiB/s', ring: '256KiB', at: '4MiB' }, state: { initial: '256KiB', stopCopy: '512KiB' } };

/** The small VM again, an eighth of it: it is rehearsed some hundred times. */
function tiny(rest: Partial<ScenarioInput> = {}, vmm: ScenarioInput['vmm'] = {}): Scenario {
  const devices = [nic0(nic as never), nic1({ ...nic, dma: { ...nic.dma, at: '6MiB' } } as never)];
  const input = smallInput({ devices, vmm: { downtimeLimit: '200ms', ...vmm }, rest });
  const workloads = [{ kind: 'random', set: '1MiB', rate: '1k/s' }] as const;
  return scenarioFrom({
    ...input,
    link: { bandwidth: '200Mbit/s' },
    vm: { memory: '8MiB', vcpus: 1, workloads: [...workloads] },
  });
}

interface Crashed {
  readonly run: string;
  readonly whole: readonly Rec[];
}

function whole(scenario: Scenario): Crashed {
  const { opened, journal } = rehearse(scenario, { strict: true });
  return { run: opened.run, whole: [...journal.read(opened.run)] };
}

function journalOf({ run, whole }: Crashed, kept: number): MemoryJournal {
  const journal = new MemoryJournal();
  journal.append(run, 0, whole.slice(0, kept));
  return journal;
}

async function recovered(
  crashed: Crashed,
  kept: number,
  options: RecoverRunOptions = {},
): Promise<RecoveredRun & { readonly records: readonly Rec[] }> {
  const journal = journalOf(crashed, kept);
  const done = await recoverRun(journal, crashed.run, { strict: true, ...options });
  return { ...done, records: [...journal.read(crashed.run)] };
}

/** Why this is no legal end; empty when it is. */
function illegalities({ report, is, records }: Awaited<ReturnType<typeof recovered>>): readonly string[] {
  const wrong = report.checks.filter(({ held }) => !held).map(({ name, because }) => `${name}: ${because}`);
  if (is === 'goes-on') wrong.push('it did not end');
  if ((is === 'rests') !== (report.outcome === 'in-doubt')) wrong.push(`${report.outcome} and it ${is}`);
  const { divergence } = replay(records, undefined, { strict: true });
  if (divergence !== undefined) wrong.push(`record ${divergence.position} does not fold: ${divergence.got}`);
  return wrong;
}

const VARIANTS: readonly (readonly [string, Scenario])[] = [
  ['two NICs', tiny()],
  ['a pause before the switchover', tiny({}, { pauseBeforeSwitchover: true })],
  ['cancelled in the downtime', tiny({ cancelAt: '300ms' })],
];

describe.each(VARIANTS)('%s: a crash after every record', (name, scenario) => {
  const crashed = whole(scenario);
  const fates = name === 'two NICs' ? FATES : (['half-done'] as const);

  test.each(fates)('what was open is %s', async (fate) => {
    for (let kept = 1; kept < crashed.whole.length; kept++) {
      const ran = await recovered(crashed, kept, { fate });
      const { outcome, reason } = ran.report;
      expect(illegalities(ran), `after record ${kept - 1}: ${outcome} (${reason})`).toEqual([]);
      expect(ran.records.slice(0, kept)).toEqual(crashed.whole.slice(0, kept));
    }
  });
});

describe('a recovered run', () => {
  const crashed = whole(tiny());

  test('can be made again with its crashes, and is held to every record', async () => {
    for (let kept = 3; kept < crashed.whole.length; kept += 9) {
      const { records } = await recovered(crashed, kept);
      const { prepared } = await reenact(records);
      prepared.driver.close();
      expect(prepared.runner.system?.position).toBe(records.length - 1);
      const last = records.at(-1) as Rec;
      const changed = [...records.slice(0, -1), { ...last, atNs: last.atNs + 1 }];
      await expect(reenact(changed)).rejects.toThrow(RecoveryError);
    }
  });

  test('can crash again while it recovers', async () => {
    for (let kept = 2; kept < crashed.whole.length; kept += 6) {
      const once = await recovered(crashed, kept);
      for (let more = kept + 1; more < Math.min(kept + 5, once.records.length); more++) {
        const twice = await recovered({ run: crashed.run, whole: once.records }, more);
        expect(illegalities(twice), `after records ${kept - 1} and ${more - 1}`).toEqual([]);
      }
    }
  });

  test('is drawn from its journal alone: the same journal, the same recovery', async () => {
    const [one, two] = [await recovered(crashed, 20), await recovered(crashed, 20)];
    expect(one.records).toEqual(two.records);
    expect(one.report).toEqual(two.report);
  });
});
