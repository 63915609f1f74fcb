/** All charts that can be looked at by themselves, the user's own first; the words typed above narrow them down. */
import { useRef, useState } from 'preact/hooks';
import type { MachineHeader } from '../../page-data.ts';

const GROUPS: readonly (readonly [MachineHeader['group'], string])[] = [
  ['own', 'Your own'],
  ['migration', 'Migration'],
  ['vmm', 'Rules of the VMM'],
  ['manager', 'Managers above it'],
];

interface MachineListProps {
  readonly machines: readonly MachineHeader[];
  readonly chosen: string | undefined;
  choose(name: string): void;
}

export function MachineList({ machines, chosen, choose }: MachineListProps) {
  const [filter, setFilter] = useState('');
  const list = useRef<HTMLElement>(null);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ name, description }: MachineHeader) =>
    words.every((word) => `${name} ${description}`.toLowerCase().includes(word));
  const groups = GROUPS.map(([group, title]) => ({
    title,
    found: machines.filter((one) => one.group === group && matches(one)),
  })).filter(({ found }) => found.length > 0);
  const names = groups.flatMap(({ found }) => found.map(({ name }) => name));
  const stop = chosen !== undefined && names.includes(chosen) ? chosen : names[0];
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0) return;
    const focused = event.target instanceof HTMLElement ? event.target.dataset.machine : undefined;
    // Down from the words above leads to the first of the list.
    const next = focused === undefined ? (by > 0 ? names[0] : undefined) : names[names.indexOf(focused) + by];
    if (next === undefined) return;
    event.preventDefault();
    list.current?.querySelector<HTMLElement>(`[data-machine="${CSS.escape(next)}"]`)?.focus();
  };
  return (
    <nav ref={list} class="machine-list" aria-label="Charts of the gallery" onKeyDown={onKeyDown}>
      <div class="machine-filter">
        <input
          type="search"
          placeholder={`Filter ${machines.length} charts`}
          aria-label="Filter the charts"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
      </div>
      {groups.map(({ title, found }) => (
        <section key={title} aria-label={title}>
          <h2>{title}</h2>
          {found.map(({ name, description }) => (
            <button
              key={name}
              type="button"
              class="machine-row"
              data-machine={name}
              aria-current={name === chosen}
              tabIndex={name === stop ? 0 : -1}
              title={description}
              onClick={() => choose(name)}
            >
              <span class="name">{name.replace(/^own\//, '')}</span>
              <span class="about">{firstSentence(description)}</span>
            </button>
          ))}
        </section>
      ))}
      {groups.length === 0 && <p class="none-found">No chart has all of these words in its name or description.</p>}
    </nav>
  );
}

function firstSentence(text: string): string {
  return /^.*?[.:](?=\s|$)/s.exec(text)?.[0] ?? text;
}
