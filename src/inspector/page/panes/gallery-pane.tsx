/** Any chart by itself: its picture, walked through by hand. Nothing that it asks for is carried out; it is listed. */

import { signal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { MachineHeader } from '../../page-data.ts';
import { Description } from '../details/description.tsx';
import { StateFacts } from '../details/state-details.tsx';
import { stateIn } from '../details/use-graph.ts';
import { MachineList } from '../gallery/machine-list.tsx';
import { WalkPanel } from '../gallery/walk-panel.tsx';
import { chosenMachine, Walker, type WalkState, walks } from '../gallery/walks.ts';
import type { Camera } from '../picture/camera.ts';
import type { Lit } from '../picture/lights.ts';
import { useStore } from '../store.ts';
import { ChartView } from './chart-view.tsx';

export function GalleryPane() {
  const { session, source } = useStore();
  const machines = session.value?.machines ?? [];
  const walker = useMemo(() => new Walker(source), [source]);
  const canWalk = session.value?.mode === 'served';
  const inOrder = [
    ...machines.filter(({ group }) => group === 'own'),
    ...machines.filter(({ group }) => group !== 'own'),
  ];
  const machine = machines.find(({ name }) => name === chosenMachine.value) ?? inOrder[0];
  const name = machine?.name;
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const camera = useMemo(() => signal<Camera | undefined>(undefined), [name]);
  useEffect(() => {
    setChosen(undefined);
    if (name !== undefined && canWalk) void walker.open(name);
  }, [name, canWalk]);
  const state = name === undefined ? undefined : walks.value[name];
  const lit = useMemo(() => litOf(machine, state), [machine, state]);
  if (machine === undefined) return <p class="no-picture">There are no charts here.</p>;
  return (
    <section class="gallery" aria-label="Gallery">
      <MachineList
        machines={inOrder}
        chosen={name}
        choose={(one) => {
          chosenMachine.value = one;
        }}
      />
      <ChartView
        key={machine.name}
        picture={machine.name}
        label={`Chart ${machine.name}`}
        lit={lit}
        chosen={chosen}
        camera={camera}
        position={state?.at}
        choose={setChosen}
      />
      {canWalk ? (
        <WalkPanel machine={machine} state={state} walker={walker} chosen={chosen} choose={setChosen} />
      ) : (
        <NoWalk machine={machine} chosen={chosen} />
      )}
    </section>
  );
}

/** An exported file: there is nobody who could run a chart. */
function NoWalk({ machine, chosen }: { readonly machine: MachineHeader; readonly chosen: string | undefined }) {
  const state = chosen === undefined ? undefined : stateIn(machine.graph, chosen);
  return (
    <aside class="walk" aria-label={`About ${machine.name}`}>
      <h2>{machine.name}</h2>
      <Description text={machine.description} />
      <p class="no-walk">
        This file shows the charts. To walk through one by hand, start <code>switchover inspect</code>.
      </p>
      {state !== undefined && (
        <section class="state-details" data-state-details={state.id}>
          <h3>
            <span class="path">{state.id}</span>
          </h3>
          <StateFacts state={state} />
        </section>
      )}
    </aside>
  );
}

function litOf(machine: MachineHeader | undefined, state: WalkState | undefined): Lit | undefined {
  const walk = state?.walk;
  if (machine === undefined || walk === undefined) return undefined;
  const ids = new Set(machine.graph.transitions.map(({ id }) => id));
  const visits = Object.entries(walk.visits);
  return {
    active: walk.active,
    taken: walk.taken,
    isFresh: true,
    visits: {
      states: Object.fromEntries(visits.filter(([key]) => !ids.has(key))),
      transitions: Object.fromEntries(visits.filter(([key]) => ids.has(key))),
    },
  };
}
