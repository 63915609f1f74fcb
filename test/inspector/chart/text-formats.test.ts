/** Mermaid and SCXML: what the two standards ask of a document, and that nothing of the machine is lost. */
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { machines } from '../../../machines/index.ts';
import { chartGraph, statesOf } from '../../../src/inspector/chart/graph.ts';
import { drawMermaid, drawScxml } from '../../../src/inspector/chart/index.ts';
import { element, escapeXml } from '../../../src/inspector/chart/xml.ts';
import { sampleMachines } from './sample-machines.ts';

const charts = [...Object.entries(machines), ...Object.entries(sampleMachines)];

const hostile = createMachine({
  id: 'a "b" <c> & d',
  initial: '1st state',
  states: {
    '1st state': {
      on: { 'A;B: #1': { target: 'end', guard: 'x<y', actions: 'say "hi" & go' } },
      description: ']]> <!--',
    },
    end: {},
    'end!': {},
  },
});

describe('SCXML', () => {
  test.each(charts)('%s: ids are unique NCNames and every target exists', (_, machine) => {
    const xml = drawScxml(machine);
    const ids = [...xml.matchAll(/<(?:state|parallel|final|history)\b[^>]* ?id="([^"]*)"/g)].map((match) => match[1]!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z_][\w.-]*$/);
    const targets = [...xml.matchAll(/(?:target|initial)="([^"#]+)"/g)].flatMap((match) => match[1]!.split(' '));
    expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
    // The machine's own states, and the end of the document.
    expect(ids.length - statesOf(chartGraph(machine).root).length).toBeLessThanOrEqual(1);
  });

  test.each(charts)('%s: every transition is there, each with an event, a condition or a target', (_, machine) => {
    const found = [...drawScxml(machine).matchAll(/<transition\b([^>]*)>/g)].map((match) => match[1]!);
    for (const attributes of found) expect(attributes).toMatch(/event=|cond=|target=/);
    expect(found.length).toBeGreaterThanOrEqual(chartGraph(machine).transitions.length);
  });

  test('an `after` is a delayed send on entry, cancelled on exit', () => {
    const xml = drawScxml(sampleMachines.timers!);
    expect(xml).toContain(
      '<send event="after.firstWarning.waiting" id="after.firstWarning.waiting" delayexpr="firstWarning()"/>',
    );
    expect(xml).toContain('<cancel sendid="after.firstWarning.waiting"/>');
    expect(xml).toContain('<send event="after.500.warned" id="after.500.warned" delay="500ms"/>');
    expect(xml).toContain('<transition event="after.500.warned" target="waiting"/>');
  });

  test('names that XML forbids are replaced, text is escaped', () => {
    const xml = drawScxml(hostile);
    expect(xml).toContain('id="_1st_state"');
    expect(xml).toContain('<state id="end"/>');
    expect(xml).toContain('id="end_"');
    expect(xml).toContain('event="A_B:__1" cond="x_y()"');
  });
});

describe('Mermaid', () => {
  test.each(charts)('%s: a plain name for every state, balanced boxes', (_, machine) => {
    const text = drawMermaid(machine);
    const lines = text.split('\n').map((line) => line.trim());
    expect(lines.slice(3, 4)).toEqual(['stateDiagram-v2']);
    expect(lines.filter((line) => line.endsWith('{')).length).toBe(lines.filter((line) => line === '}').length);
    const declared = new Set([...text.matchAll(/state ".*" as (\w+)/g)].map((match) => match[1]));
    for (const match of text.matchAll(/^\s*(\S+) --> (\S+)/gm)) {
      for (const name of [match[1]!, match[2]!])
        if (name !== '[*]' && declared.size > 0) expect(declared).toContain(name);
    }
  });

  test('a state is mentioned only inside its own box until all boxes are closed', () => {
    const text = drawMermaid(sampleMachines.nested!);
    const lastBox = text.lastIndexOf('\n  }\n');
    expect(text.indexOf('s_active__switching__flushing__once --> s_completed')).toBeGreaterThan(lastBox);
    expect(text.indexOf('s_active__switching__flushing__once --> s_active__switching__flushing__again')).toBeLessThan(
      lastBox,
    );
  });

  test('text cannot end a line or open an entity', () => {
    const text = drawMermaid(hostile);
    expect(text).toContain('A#59;B#58; #35;1 [x#60;y] / say #34;hi#34; #38; go');
    expect(text).toContain('state "1st state" as s_1st_20_state');
  });
});

test('XML text and attributes', () => {
  expect(escapeXml('a<b>&"\'')).toBe('a&lt;b&gt;&amp;&quot;&#39;');
  expect(escapeXml('a\u0000b\uD800')).toBe('a\u{FFFD}b\u{FFFD}');
  expect(element('a', { b: 'x\ny' })).toBe('<a b="x&#10;y"/>');
  expect(element('a', {}, 'x')).toBe('<a>x</a>');
});
