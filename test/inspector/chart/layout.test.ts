/** The layout's promises, over machines drawn at random; and its judge, on a layout that was spoilt by hand. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collisions, crossings } from '../../../src/inspector/chart/geometry.ts';
import { chartGraph, isInternal, statesOf } from '../../../src/inspector/chart/graph.ts';
import { drawSvg } from '../../../src/inspector/chart/index.ts';
import { type ChartLayout, layoutChart } from '../../../src/inspector/chart/layout.ts';
import { readingOrder } from '../../../src/inspector/chart/order.ts';
import { randomMachine } from './random-machine.ts';
import { sampleMachines } from './sample-machines.ts';

test('any machine: nothing collides, nothing is left out', async () => {
  const property = fc.asyncProperty(randomMachine, async (machine) => {
    const graph = chartGraph(machine);
    const layout = await layoutChart(graph);
    expect(collisions(layout)).toEqual([]);
    expect(layout.states.map(({ state }) => state.id).sort()).toEqual(
      statesOf(graph.root)
        .map(({ id }) => id)
        .sort(),
    );
    const drawn = layout.edges
      .filter(({ isInitial }) => !isInitial)
      .flatMap(({ transitions }) => transitions.map(({ id }) => id));
    const wanted = graph.transitions.filter((each) => !isInternal(each)).map(({ id }) => id);
    expect(drawn.sort()).toEqual(wanted.sort());
  });
  await fc.assert(property, { numRuns: 8 });
});

test('the same machine gives the same bytes', async () => {
  expect(await drawSvg(sampleMachines.nested!)).toBe(await drawSvg(sampleMachines.nested!));
});

test('some 27 states fit 2,000 px', async () => {
  const layout = await layoutChart(chartGraph(sampleMachines.large!));
  expect(layout.states.length).toBeGreaterThan(27);
  expect(layout.width).toBeLessThanOrEqual(2000);
});

test('lines end on the borders of their states, and every stretch is horizontal or vertical', async () => {
  const layout = await layoutChart(chartGraph(sampleMachines.flat!));
  const boxes = new Map(layout.states.map((box) => [box.state.id, box]));
  for (const { points, source, target, isInitial } of layout.edges) {
    points.slice(1).forEach((point, index) => {
      const before = points[index]!;
      expect(point.x === before.x || point.y === before.y).toBe(true);
    });
    for (const [end, id] of [
      [points[0]!, source],
      [points.at(-1)!, target],
    ] as const) {
      if (isInitial && id === source) continue;
      const { x, y, width, height } = boxes.get(id)!;
      const touches = [
        Math.abs(end.x - x),
        Math.abs(end.x - x - width),
        Math.abs(end.y - y),
        Math.abs(end.y - y - height),
      ];
      expect(Math.min(...touches)).toBeLessThanOrEqual(0.5);
    }
  }
});

describe('the judge', () => {
  const spoil = async (change: (layout: ChartLayout) => ChartLayout) =>
    collisions(change(await layoutChart(chartGraph(sampleMachines.nested!))));
  const edge = (layout: ChartLayout, id: string) => layout.edges.find((each) => each.id === id)!;
  const state = (layout: ChartLayout, id: string) => layout.states.find((each) => each.state.id === id)!;

  test('finds a label on a label', async () => {
    const found = await spoil((layout) => {
      const place = edge(layout, 'active.rollingBack>idle').label!;
      const edges = layout.edges.map((each) =>
        each.id === 'idle>active' ? { ...each, label: { ...each.label!, x: place.x, y: place.y } } : each,
      );
      return { ...layout, edges };
    });
    expect(found).toContainEqual(expect.stringMatching(/^label of \S+ meets label of /));
  });

  test('finds a line through a stranger and through a heading', async () => {
    const found = await spoil((layout) => {
      const { x, y, width } = state(layout, 'active.switching');
      const edges = layout.edges.map((each) =>
        each.id === 'idle>active'
          ? {
              ...each,
              points: [
                { x: x - 10, y: y + 10 },
                { x: x + width + 10, y: y + 10 },
              ],
            }
          : each,
      );
      return { ...layout, edges };
    });
    expect(found).toContain('edge idle>active meets state active.switching');
    const through = await spoil((layout) => {
      const { x, y, height, width } = state(layout, 'active.switching');
      const at = y + height - 8;
      const edges = layout.edges.map((each) =>
        each.id === 'idle>active'
          ? {
              ...each,
              points: [
                { x: x - 10, y: at },
                { x: x + width + 10, y: at },
              ],
            }
          : each,
      );
      return { ...layout, edges };
    });
    expect(through).toContain('edge idle>active runs through active.switching');
  });

  test('finds a child outside its parent', async () => {
    const found = await spoil((layout) => {
      const states = layout.states.map((each) =>
        each.state.id === 'active.copying' ? { ...each, x: each.x - 500 } : each,
      );
      return { ...layout, states };
    });
    expect(found).toContain('active.copying is not inside active');
  });

  test('counts crossings once and shared stretches more', () => {
    const line = (id: string, ...points: { x: number; y: number }[]) => ({
      id,
      source: id,
      target: id,
      transitions: [],
      isInitial: false,
      points,
    });
    const layout = (...edges: ReturnType<typeof line>[]) => ({ width: 0, height: 0, states: [], dots: [], edges });
    const horizontal = line('h', { x: 0, y: 5 }, { x: 10, y: 5 });
    expect(crossings(layout(horizontal, line('v', { x: 5, y: 0 }, { x: 5, y: 10 })))).toBe(1);
    expect(crossings(layout(horizontal, line('o', { x: 5, y: 5 }, { x: 20, y: 5 })))).toBe(3);
    expect(crossings(layout(horizontal, line('t', { x: 0, y: 6 }, { x: 10, y: 6 })))).toBe(0);
  });
});

test('reading order: along the transitions, only loops run backwards', () => {
  const { rank, runsBackward } = readingOrder(chartGraph(sampleMachines.timers!), 'flow');
  expect(rank.get('waiting')).toBe(0);
  expect(runsBackward('waiting', 'warned')).toBe(false);
  expect(runsBackward('warned', 'waiting')).toBe(true);
  const written = readingOrder(chartGraph(sampleMachines.flat!), 'document').rank;
  expect(
    [...written]
      .sort((a, b) => a[1] - b[1])
      .map(([id]) => id)
      .slice(0, 3),
  ).toEqual(['ERROR', 'STOP', 'RUNNING']);
});
