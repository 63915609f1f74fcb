/** Above the table of records: words, whom, by whom, and only what a person looks for; how many were found, and to the next. */
import { useEffect, useState } from 'preact/hooks';
import { NOTE_KINDS, type NoteKind } from '../../view/notes.ts';
import { count, cut } from '../format.ts';
import { goToFound, isSearching, jump, recordSearch } from '../record-search.ts';
import { type RunState, useStore } from '../store.ts';

const ONLY_NAMES: Readonly<Record<NoteKind, string>> = {
  failure: 'failures',
  status: 'status changes',
  decision: 'decisions',
  shadow: 'shadow verdicts',
};

export function RecordFilter({ run }: { readonly run: RunState }) {
  const store = useStore();
  const { text, to, by, only, isNarrowed, found } = recordSearch;
  const names = useNames(run);
  return (
    <search class="record-filter">
      <input
        type="search"
        data-search
        value={text.value}
        placeholder="Search in all of every record (/)"
        aria-label="Search records"
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') goToFound(store, event.shiftKey ? -1 : 1);
        }}
      />
      <Choice
        label="To which chart"
        all="to any chart"
        value={to.value}
        names={names.to}
        choose={(name) => (to.value = name)}
      />
      <Choice
        label="Said by whom"
        all="by anybody"
        value={by.value}
        names={names.by}
        choose={(name) => (by.value = name)}
      />
      <Choice
        label="Only records of which there is something to say"
        all="all records"
        value={only.value}
        names={NOTE_KINDS}
        nameOf={(kind) => ONLY_NAMES[kind as NoteKind]}
        choose={(kind) => (only.value = kind as NoteKind | undefined)}
      />
      <span class="room" />
      <ShadowJump run={run} />
      {isSearching.value && (
        <>
          <label class="narrowed" title="Rows that were not found are left out">
            <input
              type="checkbox"
              checked={isNarrowed.value}
              onChange={({ currentTarget }) => {
                isNarrowed.value = currentTarget.checked;
              }}
            />
            only these
          </label>
          <button
            type="button"
            title="Found before this record (N)"
            aria-label="Found before"
            onClick={() => goToFound(store, -1)}
          >
            ↑
          </button>
          <button
            type="button"
            title="Next that was found (n)"
            aria-label="Next found"
            onClick={() => goToFound(store, 1)}
          >
            ↓
          </button>
        </>
      )}
      <output class="found" data-found={found.value?.length}>
        {isSearching.value ? `${count(found.value?.length ?? 0)} found` : `${count(run.records.value)} records`}
      </output>
    </search>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly value: string | undefined;
  readonly names: readonly string[];
  nameOf?(name: string): string;
  choose(name: string | undefined): void;
}

function Choice({ label, all, value, names, nameOf = (name) => name, choose }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      title={label}
      value={value ?? ''}
      onChange={({ currentTarget }) => choose(currentTarget.value || undefined)}
    >
      <option value="">{all}</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {cut(nameOf(name))}
        </option>
      ))}
    </select>
  );
}

/** Who is told and who says so, as far as records have come. */
function useNames({ table, records }: RunState): { readonly to: readonly string[]; readonly by: readonly string[] } {
  const [names] = useState(() => ({ to: new Set<string>(), by: new Set<string>(), upTo: 0 }));
  for (; names.upTo < records.value; names.upTo++) {
    names.to.add(table.to(names.upTo));
    names.by.add(table.by(names.upTo));
  }
  const list = (all: ReadonlySet<string>) => [...all].filter((name) => name !== '').sort();
  return { to: list(names.to), by: list(names.by) };
}

/** Where a policy that only watches would have acted. */
function ShadowJump({ run }: { readonly run: RunState }) {
  const store = useStore();
  const [positions, setPositions] = useState<readonly number[]>([]);
  const folded = run.course.value?.folded ?? 0;
  const isWhole = folded === run.records.value;
  useEffect(() => {
    if (!isWhole) return;
    store.engine
      .ask('search', run.header.id, { text: '', only: 'shadow' })
      .then((found) => setPositions([...found.positions]))
      .catch(() => {});
  }, [run, folded, isWhole]);
  if (positions.length === 0) return null;
  const next = positions.find((one) => one > store.cursor.value.position) ?? positions[0];
  return (
    <button
      type="button"
      class="shadow-jump"
      title={`A shadow would have acted at ${positions.length} records; the next one is ${next}`}
      onClick={() => jump(store, next ?? 0)}
    >
      shadow → {next}
    </button>
  );
}
