/** What one kind of chart tells, or two tell each other: every type of message, how often so far, and the records to go to. */
import type { TellerEdge } from '../../view/tellers.ts';
import { count } from '../format.ts';
import { jump } from '../record-search.ts';
import { useStore } from '../store.ts';
import { type PickedTeller, pickedTeller, type TellerLook } from '../teller-look.ts';

export function TellerDetails({ look }: { readonly look: TellerLook }) {
  const picked = pickedTeller.value;
  if (picked === undefined) {
    return (
      <aside class="teller-details" aria-label="What is told">
        <p class="soft">
          Every chart says in a table of its own whom it may tell what; nothing else is told. Choose a chart, or a line
          between two, to see its messages, how often each was told so far, and in which records.
        </p>
        <p class="soft">
          Answers of the driver come as records: a command is answered with DONE or FAILED. The migration opens and
          closes the other charts, which the picture leaves out and the matrix marks with ○.
        </p>
      </aside>
    );
  }
  const edges = look.map.edges.filter((edge) => isOf(edge, picked));
  return (
    <aside class="teller-details" aria-label="What is told">
      <h2>{picked.to === undefined ? picked.from : `${picked.from} and ${picked.to}`}</h2>
      {edges.map((edge) => (
        <EdgeDetails key={`${edge.from} ${edge.how} ${edge.to}`} edge={edge} look={look} />
      ))}
    </aside>
  );
}

function isOf({ from, to }: TellerEdge, picked: PickedTeller): boolean {
  if (picked.to === undefined) return from === picked.from || to === picked.from;
  return (from === picked.from && to === picked.to) || (from === picked.to && to === picked.from);
}

function EdgeDetails({ edge, look }: { readonly edge: TellerEdge; readonly look: TellerLook }) {
  const { from, to, how, types } = edge;
  return (
    <section class="edge-details" aria-label={`${from} to ${to}`}>
      <h3>
        {from} <span class="soft">{WORDS[how]}</span> {to}
      </h3>
      {types.length > 0 && (
        <ul>
          {types.map((type) => (
            <TypeLine key={type} edge={edge} type={type} look={look} />
          ))}
        </ul>
      )}
    </section>
  );
}

const WORDS: Readonly<Record<TellerEdge['how'], string>> = {
  message: 'tells',
  command: 'commands',
  opens: 'opens',
  closes: 'closes',
};

/** The last ones are nearest to the cursor. */
const RECORDS_MAX = 6;

interface TypeLineProps {
  readonly edge: TellerEdge;
  readonly type: string;
  readonly look: TellerLook;
}

function TypeLine({ edge, type, look }: TypeLineProps) {
  const store = useStore();
  const told = look.soFar.find(
    (one) => one.from === edge.from && one.to === edge.to && one.how === edge.how && one.type === type,
  );
  const times = told?.count ?? 0;
  const here = store.instant.value?.position;
  return (
    <li class={times === 0 ? 'idle' : undefined} data-type={type}>
      <span class="type">{type}</span>
      <span class="times">{times === 0 ? 'not yet' : `${count(times)}×`}</span>
      <span class="records-of">
        {told?.last.slice(-RECORDS_MAX).map((position) => (
          <button
            key={position}
            type="button"
            class="record-link"
            aria-current={position === here ? 'true' : undefined}
            aria-label={`Record ${position}`}
            onClick={() => jump(store, position)}
          >
            {position}
          </button>
        ))}
      </span>
    </li>
  );
}
