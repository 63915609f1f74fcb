/**
 * The fingerprint of the charts that a run was made with: states, transitions, the names of guards and actions (not their code), and the
 * package's version. A journal with another one may fold to something else, so a replay refuses it unless told otherwise.
 */
import { createHash } from 'node:crypto';
import { chartsFor, observed } from '../../machines/index.ts';
import { OBSERVED_ADDRESS } from './observed-charts.ts';

const known = new Map<string, string>();

/** Hex digits, 16 of them; equal for equal charts on every machine. */
export function fingerprint(policy: string, version: string, manager?: string): string {
  const key = `${policy}@${version}${manager === undefined ? '' : ` under ${manager}`}`;
  let found = known.get(key);
  if (found === undefined) {
    const definitions = Object.entries(chartsFor(policy, manager)).map(([kind, machine]) => [kind, machine.config]);
    found = digest([version, definitions]);
    known.set(key, found);
  }
  return found;
}

/** The same of a migration that was only watched. */
export function observedFingerprint(version: string): string {
  return digest([version, [[OBSERVED_ADDRESS, observed.config]]]);
}

function digest(of: unknown): string {
  return createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 16);
}
