/**
 * Figures of a real VM as a scenario: `calc-dirty-rate` samples, a QMP log, or what `virsh domjobinfo` prints (each format is
 * described at the top of its file), told apart by their content. The result is text, because how sure each figure is stands
 * in its comments.
 *
 * None of these figures holds what devices write by themselves: KVM does not see DMA. It is asked for and not guessed.
 */
import { basename } from 'node:path';
import { parseScenario } from '../scenario/read.ts';
import { importCalcDirtyRate, isCalcDirtyRate } from './calc-dirty-rate.ts';
import { importDomjobinfo, isDomjobinfo } from './domjobinfo.ts';
import { type Imported, type ImportedPoint, type ImportFile, isMapping } from './imported.ts';
import { importQmpLog } from './qmp-log.ts';

export interface ImportedScenario {
  /** YAML that `parseScenario` reads. */
  readonly text: string;
  /** In words, where the figures come from. */
  readonly from: string;
  /** What the figures do not hold, each a sentence that asks for it. */
  readonly asks: readonly string[];
}

const ASKS_DEVICES =
  'What the VM’s passthrough devices write by DMA is not in these figures: name the devices under containers, or leave it empty if there are none.';
const ASKS_LINK = 'The link is not in these figures: set link.bandwidth.';

/** Throws ScenarioError, with file and line, for what cannot be read. */
export function importScenario(file: ImportFile): ImportedScenario {
  const imported = read(file);
  const text = scenarioText(imported, file);
  // What is printed is a scenario, or it is not printed.
  parseScenario(text, `${file.name} as a scenario`);
  const asks = [ASKS_DEVICES, ...(imported.bandwidthBytesPerSecond === undefined ? [ASKS_LINK] : [])];
  return { text, from: imported.from, asks };
}

function read(file: ImportFile): Imported {
  if (isDomjobinfo(file.text)) return importDomjobinfo(file);
  const value = wholeOf(file.text);
  const reply = isMapping(value) && isMapping(value.return) ? value.return : value;
  if (isMapping(reply) && isCalcDirtyRate(reply)) return importCalcDirtyRate(file, reply);
  return importQmpLog(file);
}

/** A file that is one JSON document; undefined for one with an object a line, or none. */
function wholeOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function scenarioText(imported: Imported, { name }: ImportFile): string {
  const { from, memoryBytes, pageBytes, nonZeroBytes, points, bandwidthBytesPerSecond, notes } = imported;
  return `${[
    `# Imported from ${from}: ${oneLine(basename(name))}.`,
    ...notes.map((note) => `# ${note}`),
    `# ${ASKS_DEVICES}`,
    `name: ${JSON.stringify(`imported from ${oneLine(basename(name))}`)}`,
    'vm:',
    `  memory: ${memoryBytes}`,
    `  pageSize: ${pageBytes / 1024}KiB`,
    ...(nonZeroBytes === undefined
      ? ['  # nonZero: how much of it is not zero is not in these figures; all of it by default']
      : [`  nonZero: ${nonZeroBytes}`]),
    '  workloads:',
    ...workloadText(points, nonZeroBytes ?? memoryBytes),
    'containers: [] # not in these figures: the VM’s passthrough devices and what they write',
    ...(bandwidthBytesPerSecond === undefined
      ? ['# link: { bandwidth: 10Gbit/s } # not in these figures; 10Gbit/s by default']
      : [`link: { bandwidth: ${bandwidthBytesPerSecond}B/s }`]),
    '# Not in these figures: whose loop, and its downtime limit. QEMU alone caps at 128MiB/s; what drives it sets none unless told.',
    'vmm: { loop: qemu-10.2, downtimeLimit: 300ms, maxBandwidth: unlimited }',
  ].join('\n')}\n`;
}

/** A guest that wrote nothing has no curve, and its memory may be all zero. */
function workloadText(points: readonly ImportedPoint[], setBytes: number): readonly string[] {
  if (points.every(({ pages }) => pages === 0)) return ['    - kind: idle # no page was dirty'];
  return [
    '    - kind: curve',
    `      set: ${setBytes}`,
    '      points: # ms since the last look, distinct pages written in it',
    ...points.map(pointText),
  ];
}

function pointText({ afterMs, pages, plusMinusPages }: ImportedPoint): string {
  const share = plusMinusPages === undefined ? '' : ` # ± ${plusMinusPages}`;
  return `        - [${afterMs}, ${pages}]${share}`;
}

/** A file's name may hold anything; a comment may not. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}
