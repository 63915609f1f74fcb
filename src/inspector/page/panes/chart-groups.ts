/** Charts in the order in which a person thinks of them: the migration, its phases, who takes part, who decides. */
import type { RosterEntry } from '../../view/roster.ts';

export const CHART_GROUPS = [
  { name: 'Migration', kinds: ['migration', 'observed', 'roll-back', 'in-doubt'] },
  { name: 'Phases', kinds: ['pre-copy', 'stop-and-copy', 'post-copy', 'destination'] },
  { name: 'Guest', kinds: ['guest', 'guest-driver'] },
  { name: 'Devices', kinds: ['device', 'vfio', 'hot-plug'] },
  { name: 'Tracking', kinds: ['tracking', 'dirty-log'] },
  {
    name: 'Policy and manager',
    kinds: ['policy', 'auto-converge', 'dirty-limit', 'stepped-throttle', 'manager', 'shadow'],
  },
] as const;

export interface ChartGroup {
  readonly name: string;
  readonly entries: readonly RosterEntry[];
}

/** Within a group by kind, then in the order of opening; charts of other kinds come last. */
export function grouped(roster: readonly RosterEntry[]): readonly ChartGroup[] {
  const ranks = new Map<string, number>(
    CHART_GROUPS.flatMap(({ kinds }) => [...kinds]).map((kind, rank) => [kind, rank]),
  );
  const rankOf = ({ address }: RosterEntry) => ranks.get(kindOf(address)) ?? ranks.size;
  const groups = CHART_GROUPS.map(({ name, kinds }) => ({
    name: name as string,
    entries: roster
      .filter(({ address }) => (kinds as readonly string[]).includes(kindOf(address)))
      .sort((a, b) => rankOf(a) - rankOf(b)),
  }));
  const others = roster.filter(({ address }) => !ranks.has(kindOf(address)));
  return [...groups, { name: 'Others', entries: others }].filter(({ entries }) => entries.length > 0);
}

/** Of two runs: charts that only the second has come after those of the first. */
export function united(first: readonly RosterEntry[], second: readonly RosterEntry[]): readonly RosterEntry[] {
  const known = new Set(first.map(({ address }) => address));
  return [...first, ...second.filter(({ address }) => !known.has(address))];
}

function kindOf(address: string): string {
  const slash = address.indexOf('/');
  return slash === -1 ? address : address.slice(0, slash);
}
