/**
 * The memory map against a rasteriser that goes page by page and knows nothing of sets, the sends against what the run's own
 * answers say of them, and that watching changes nothing of a run.
 */
import { describe, expect, test } from 'vitest';
import type { Opened, Rec } from '../../../src/core/record.ts';
import { createModelDriver } from '../../../src/drivers/model/model-driver.ts';
import type { GuestMemory } from '../../../src/hardware/memory.ts';
import type { MemoryMap as PageMemoryMap } from '../../../src/inspector/page-data.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { branch } from '../../../src/lab/branch/branch.ts';
import { MEMORY_LAYERS, type MemoryLayer, type MemoryMap, memoryMap } from '../../../src/lab/memory-map/memory-map.ts';
import { modelSpecOf } from '../../../src/lab/model/spec.ts';
import { reenact } from '../../../src/lab/re-enact.ts';
import { recoverRun } from '../../../src/lab/recover-modelled.ts';
import { type RehearseOptions, rehearse } from '../../../src/lab/rehearse.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../../src/lab/shipped.ts';
import { forEachPage } from '../../../src/streams/page-writes.ts';
import { smallScenario } from '../small-scenario.ts';

/** Pages that were touched in (fromNs, toNs], in the order in which they were. */
interface Touched {
  readonly layer: MemoryLayer;
  readonly fromNs: number;
  readonly toNs: number;
  readonly pages: readonly number[];
  /** Of a send: how it was told. */
  readonly form?: string;
}

function recordsOf(scenario: Scenario, options: RehearseOptions = {}): readonly Rec[] {
  const { journal, opened } = rehearse(scenario, options);
  return [...journal.read(opened.run)];
}

/** Everything that the model tells while a run is made again, page by page. */
async function touchedIn(records: readonly Rec[]): Promise<{ touched: readonly Touched[]; memory: GuestMemory }> {
  const touched: Touched[] = [];
  let memory: GuestMemory | undefined;
  const { prepared } = await reenact(records, {
    driver(scenario, clock) {
      const model = createModelDriver(modelSpecOf(scenario), clock);
      memory = model.world.memory;
      model.pages$.subscribe((batch) => {
        const pages: number[] = [];
        forEachPage(batch, (page) => pages.push(page));
        const kind = batch.source.split(':')[0];
        const layer = kind === 'vcpu' || kind === 'dma' ? kind : 'other';
        touched.push({ layer, fromNs: batch.fromNs, toNs: batch.toNs, pages });
      });
      model.sends$.subscribe((sends) => {
        const pages: number[] = [];
        if (sends.form === 'list') pages.push(...[...sends.pages].sort((a, b) => a - b));
        else {
          for (let page = sends.firstPage; page < sends.endPage; page++) {
            if (sends.form === 'range' || sends.set.get(page)) pages.push(page);
          }
        }
        touched.push({ layer: 'sent', fromNs: sends.fromNs, toNs: sends.toNs, pages, form: sends.form });
      });
      return model;
    },
  });
  prepared.driver.close();
  return { touched, memory: memory! };
}

/** Sets of pages by cell for what a bin holds whole, and numbers for what is spread. */
function naiveCells(touched: readonly Touched[], map: MemoryMap): Record<MemoryLayer, Uint8Array> {
  const { fromNs, toNs, timeBins, addressBins, firstPages } = map;
  const binNs = (toNs - fromNs) / timeBins;
  const whole = new Map<string, Set<number>>();
  const spread = new Map<string, { readonly row: number; readonly spans: Map<string, Set<number>> }>();
  const rowOf = (page: number) => firstPages.findIndex((first, row) => page >= first && page < firstPages[row + 1]!);
  const put = (layer: MemoryLayer, page: number, atNs: number) => {
    if (atNs > toNs || atNs < fromNs || (atNs === fromNs && atNs > 0)) return;
    const bin = Math.max(0, Math.ceil((atNs - fromNs) / binNs) - 1);
    const key = `${layer} ${rowOf(page)} ${bin}`;
    whole.set(key, (whole.get(key) ?? new Set()).add(page));
  };
  const before = new Set<number>();
  for (const { layer, fromNs: beganNs, toNs: endedNs, pages } of touched) {
    if (layer === 'sent') {
      pages.forEach((page, k) => {
        const gone = (bin: number) =>
          Math.round((pages.length * (fromNs + bin * binNs - beganNs)) / (endedNs - beganNs));
        // The end of the first bin by which it has gone, or of the whole.
        let bin = Math.max(0, Math.floor((beganNs - fromNs) / binNs));
        while (fromNs + bin * binNs < endedNs && !(k < gone(bin))) bin += 1;
        const atNs = Math.min(fromNs + bin * binNs, endedNs);
        if (atNs <= fromNs && endedNs > fromNs && bin === 0) return;
        put('sent', page, atNs);
        if (before.has(page)) put('sentAgain', page, atNs);
      });
      for (const page of pages) before.add(page);
    } else if (endedNs - beganNs <= binNs) {
      for (const page of pages) put(layer, page, endedNs);
    } else {
      for (const page of pages) {
        const key = `${layer} ${rowOf(page)}`;
        const kept = spread.get(key) ?? { row: rowOf(page), spans: new Map<string, Set<number>>() };
        const span = `${beganNs} ${endedNs}`;
        kept.spans.set(span, (kept.spans.get(span) ?? new Set()).add(page));
        spread.set(key, kept);
      }
    }
  }
  const cell = (layer: MemoryLayer, row: number, bin: number): number => {
    let pages = whole.get(`${layer} ${row} ${bin}`)?.size ?? 0;
    for (const [span, named] of spread.get(`${layer} ${row}`)?.spans ?? []) {
      const [beganNs, endedNs] = span.split(' ').map(Number) as [number, number];
      const from = Math.max(beganNs, fromNs + bin * binNs);
      const to = Math.min(endedNs, fromNs + (bin + 1) * binNs);
      pages += (named.size * Math.max(0, to - from)) / (endedNs - beganNs);
    }
    const share = pages / (firstPages[row + 1]! - firstPages[row]!);
    return pages === 0 ? 0 : Math.min(255, Math.max(1, Math.round(255 * share)));
  };
  const raster = (layer: MemoryLayer) =>
    Uint8Array.from({ length: addressBins * timeBins }, (_, i) => cell(layer, Math.floor(i / timeBins), i % timeBins));
  return Object.fromEntries(MEMORY_LAYERS.map((layer) => [layer, raster(layer)])) as Record<MemoryLayer, Uint8Array>;
}

const bytesOf = (map: MemoryMap, layer: MemoryLayer) => new Uint8Array(Buffer.from(map.cells[layer], 'base64'));

const WRITERS = smallScenario();
/** Nobody writes, so that a loop without windows sends many turns in one. */
const TEXTBOOK = smallScenario({
  vmm: { loop: 'textbook' },
  rest: {
    vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'idle' }] } as never,
    sender: { firstTouch: '0ns' } as never,
    containers: [],
  },
});
const POST_COPY = smallScenario({
  vmm: { downtimeLimit: '10ms', postcopy: { after: 1 } } as never,
  rest: {
    vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '16MiB', rate: '50k/s' }] } as never,
    containers: [],
  },
});

describe('cells', () => {
  const bins = { addressBins: 24, timeBins: 40 };

  test.each([
    ['the whole run', 0, 1],
    ['its end', 0.8, 1],
    ['a stretch finer than batches', 0.4, 0.42],
  ])('of %s are those of a rasteriser that goes page by page', async (_, from, to) => {
    const records = recordsOf(WRITERS);
    const endNs = records.at(-1)!.atNs;
    const window = { fromNs: Math.floor(from * endNs), toNs: Math.floor(to * endNs) };
    const map = await memoryMap(records, { ...bins, ...window });
    const { touched } = await touchedIn(records);
    const naive = naiveCells(touched, map);
    for (const layer of MEMORY_LAYERS) {
      const apart = bytesOf(map, layer).map((byte, i) => Math.abs(byte - naive[layer][i]!));
      // Sums of fractions in another order.
      expect(Math.max(...apart), layer).toBeLessThanOrEqual(1);
    }
    expect(Math.max(...bytesOf(map, 'vcpu'))).toBeGreaterThan(0);
    expect(Math.max(...bytesOf(map, 'dma'))).toBeGreaterThan(0);
  });
});

describe('what is sent', () => {
  const cases: readonly (readonly [string, string, Scenario])[] = [
    ['turn by turn', 'set', WRITERS],
    ['many turns in one', 'range', TEXTBOOK],
    ['many turns in one, cut off in the middle', 'range', { ...TEXTBOOK, cancelAtNs: 123_456_789 }],
    ['post-copy', 'list', POST_COPY],
  ];
  test.each(cases)('%s: pages add up to what the records say', async (_, form, scenario) => {
    const records = recordsOf(scenario);
    const { touched, memory } = await touchedIn(records);
    const sent = touched.filter(({ layer }) => layer === 'sent');
    const told = records.reduce((sum, record) => {
      if (record.kind !== 'input') return sum;
      const { type, sentPages } = record.event;
      return /^DONE\.send(Round|Remaining|Missing)$/.test(type) ? sum + (sentPages as number) : sum;
    }, 0);
    expect(sent.reduce((sum, { pages }) => sum + pages.length, 0)).toBe(told);
    expect(sent.map((one) => one.form)).toContain(form);
    const everSent = new Set(sent.flatMap(({ pages }) => pages)).size;
    if (scenario.cancelAtNs === null) expect(everSent).toBe(memory.ramPages);
    else expect(everSent).toBeLessThan(memory.ramPages);
  });

  test('what is sent and what remains is all memory, while nothing is dirty yet', async () => {
    const records = recordsOf({ ...WRITERS, cancelAtNs: 200_000_000 });
    const halted = records.find((record) => record.kind === 'input' && record.event.type === 'DONE.sendRound');
    const { sentPages, remainingPages } = (halted as Extract<Rec, { kind: 'input' }>).event;
    const { touched, memory } = await touchedIn(records);
    const pages = new Set(touched.flatMap((one) => (one.layer === 'sent' ? one.pages : [])));
    expect(pages.size).toBe(sentPages);
    expect(pages.size + (remainingPages as number)).toBe(memory.ramPages);
  });
});

describe('a map', () => {
  test('is the same of the run and of its journal as text, and every time', async () => {
    const records = recordsOf(WRITERS);
    const again = records.map((record) => JSON.parse(recordText(record)) as Rec);
    const map: PageMemoryMap = await memoryMap(records);
    expect(await memoryMap(again)).toEqual(map);
    expect([map.pages, map.pageBytes, map.addressBins, map.timeBins]).toEqual([16_384, 4096, 256, 600]);
    expect(map.firstPages).toHaveLength(257);
    // Sets that do not overlap: rows say who wrote.
    const rows = (layer: MemoryLayer) =>
      [...Array(256).keys()].filter((row) =>
        bytesOf(map, layer)
          .subarray(row * 600, row * 600 + 600)
          .some((x) => x > 0),
      );
    expect([Math.min(...rows('vcpu')), Math.max(...rows('vcpu'))]).toEqual([0, 63]);
    expect([rows('dma').includes(128), rows('dma').includes(192), rows('dma').includes(100)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(rows('sent')).toHaveLength(256);
  });

  test('leaves out holes in memory', async () => {
    const map = await memoryMap(recordsOf(scenarios['memory-hole']), { addressBins: 8, timeBins: 10 });
    const steps = map.firstPages.slice(1).map((first, i) => first - map.firstPages[i]!);
    expect(map.pages).toBeLessThan(map.firstPages.at(-1)!);
    expect(new Set(steps).size).toBe(2);
    expect(Math.max(...steps) - Math.min(...steps)).toBe(map.firstPages.at(-1)! - map.pages);
  });

  test('is had of a branch, of a run that was cancelled by hand, and of one that was recovered', async () => {
    const journal = new MemoryJournal();
    const { opened } = rehearse(WRITERS, { journal });
    const branched = branch(journal, { at: { ns: 300_000_000 }, change: { 'link.bandwidth': '2Gbit/s' } });
    const whole = recordsOf(WRITERS);
    const died = new MemoryJournal();
    died.append(opened.run, 0, whole.slice(0, 20));
    await recoverRun(died, opened.run);
    const cancelled = recordsOf(WRITERS, { cancels: [{ position: 9, atNs: 150_000_000, byTime: true }] });
    for (const records of [[...branched.journal.read(branched.run)], [...died.read(opened.run)], cancelled]) {
      const map = await memoryMap(records, { addressBins: 8, timeBins: 10 });
      expect(map.toNs).toBe(records.at(-1)!.atNs);
      expect(bytesOf(map, 'sent').some((byte) => byte > 0)).toBe(true);
    }
  });
});

describe('there is none, in a sentence,', () => {
  const records = recordsOf(WRITERS);
  const opening = (changes: Partial<Opened>) => {
    const first = records[0] as Extract<Rec, { kind: 'opened' }>;
    return [{ ...first, opened: { ...first.opened, ...changes } }, ...records.slice(1)];
  };

  test.each([
    ['of a run that no model drove', opening({ drivers: ['vfio-user'] }), {}, 'driven by vfio-user, not by the model'],
    ['of a run of other charts', opening({ fingerprint: 'other' }), {}, 'the version that made it can draw its memory'],
    ['of a stretch that is none', records, { fromNs: 5, toNs: 5 }, 'from 5 to 5 ns is no stretch of this run'],
    ['of a time after the end', records, { toNs: 1e15 }, 'expected whole ns from 0 to'],
    ['in so many bins', records, { timeBins: 1e9 }, 'expected 1 to 4096'],
    ['of nothing', [], {}, 'no first record'],
  ])('%s', async (_, given, options, sentence) => {
    await expect(memoryMap(given, options)).rejects.toThrow(sentence);
  });
});
