/** The message that somebody points at: what it says, whether it was taken, and where it led its receiver. */
import { useEffect, useState } from 'preact/hooks';
import { leavesOf } from '../../view/active.ts';
import type { Told } from '../../view/instant.ts';
import { cut } from '../format.ts';
import { type PickedMessage, pickedMessage } from '../picked-message.ts';
import { useStore } from '../store.ts';
import { ValueTree } from './value-tree.tsx';

export function MessageDetails({ position }: { readonly position: number }) {
  const { run, view } = useStore();
  const picked = pickedMessage.value;
  const told = useTold(picked);
  if (view.value !== 'messages' || told === undefined) return null;
  if (picked?.position !== position || picked.run !== run.value?.header.id) return null;
  const { type, from: _, atNs: __, ...data } = told.event;
  const [before, after] = [leavesOf(told.before), leavesOf(told.after)];
  return (
    <section class="message-details" aria-label="Message">
      <h2>
        {cut(type)}{' '}
        <span class="soft">
          {told.from ?? 'the record'} to {told.to}
        </span>
      </h2>
      {told.taken ? (
        <p>
          {before === after ? (
            <span class="soft">
              {told.to} stays in {after}
            </span>
          ) : (
            <>
              <span class="old">{before}</span> → <span class="new">{after}</span>
            </>
          )}
        </p>
      ) : (
        <p class="late">No state of {told.to} takes it there.</p>
      )}
      {Object.keys(data).length > 0 && <ValueTree value={data} />}
    </section>
  );
}

function useTold(picked: PickedMessage | undefined): Told | undefined {
  const { engine } = useStore();
  const [told, setTold] = useState<Told | undefined>();
  useEffect(() => {
    setTold(undefined);
    if (picked === undefined) return;
    let isLate = false;
    engine
      .ask('between', picked.run, picked.position, picked.position)
      .then(([folded]) => {
        if (!isLate) setTold(folded?.told[picked.told]);
      })
      .catch(() => {});
    return () => {
      isLate = true;
    };
  }, [picked]);
  return told;
}
