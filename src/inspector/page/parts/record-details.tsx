/**
 * One record in all that is known of it: what it says and who says so, why it is there and what came of it, and what it changed.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Difference } from '../../view/difference.ts';
import type { Links } from '../../view/links.ts';
import { count, cut, duration, moment } from '../format.ts';
import { useStore } from '../store.ts';
import { DifferenceList } from './difference-list.tsx';
import { EffectList, effectTitle } from './effect-list.tsx';
import { MessageDetails } from './message-details.tsx';
import { LinkButton } from './record-row.tsx';
import { ValueTree } from './value-tree.tsx';

export function RecordDetails() {
  const known = useRecord();
  if (known === undefined) return null;
  const { links, difference } = known;
  const { record, position } = links;
  return (
    <section class="record-details" aria-label={`Record ${position}`} data-record={position}>
      <MessageDetails position={position} />
      <h2>
        Record {position} <span class="soft">{moment(record.atNs)}</span>
      </h2>
      <Said links={links} />
      <ValueTree
        value={record.kind === 'opened' ? record.opened : withoutType(record.event)}
        empty="It carries no data."
      />
      <h3>Effects</h3>
      <EffectList effects={links.effects} atNs={record.atNs} />
      <h3>What it changed</h3>
      <DifferenceList difference={difference} />
    </section>
  );
}

function Said({ links: { record, outcome, cause } }: { readonly links: Links }) {
  const { run } = useStore();
  if (record.kind === 'opened') return <p class="said">It opens the run.</p>;
  const { by, to, event } = record;
  const consequences = run.value?.table.consequences(record.position) ?? [];
  return (
    <>
      <p class="said">
        <b class="type">{cut(event.type)}</b>
        <br />
        <span class="soft">said by</span> {cut(by)} <span class="soft">to</span> {cut(to)}
        {outcome === 'late' && <span class="late"> – too late: nobody waited for it, and it was not delivered</span>}
      </p>
      <dl class="ties">
        <div>
          <dt>cause</dt>
          <dd>
            {cause === undefined ? (
              'none: it answers nothing'
            ) : (
              <>
                <LinkButton position={cause.position} kind="cause" />{' '}
                {cause.effect !== undefined && effectTitle(cause.effect)}
                {cause.effect !== undefined && <Took atNs={record.atNs} position={cause.position} />}
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>led to</dt>
          <dd>
            {consequences.length === 0 && 'no record'}
            {consequences.slice(0, CONSEQUENCES_MAX).map((one) => (
              <LinkButton key={one} position={one} kind="consequence" />
            ))}
            {consequences.length > CONSEQUENCES_MAX && ` and ${count(consequences.length - CONSEQUENCES_MAX)} more`}
          </dd>
        </div>
      </dl>
    </>
  );
}

/** Answers that came too late may be many. */
const CONSEQUENCES_MAX = 40;

function Took({ atNs, position }: { readonly atNs: number; readonly position: number }) {
  const { run } = useStore();
  const since = run.value?.table.atNs(position);
  if (since === undefined) return null;
  return <span class="soft"> {since === atNs ? 'at the same time' : `${duration(atNs - since)} before`}</span>;
}

function withoutType({ type: _, ...data }: { readonly type: string }): unknown {
  return data;
}

interface Known {
  readonly run: string;
  readonly links: Links;
  readonly difference: Difference;
}

/** Of the record that the page shows; the one before stays until the next is known. */
function useRecord(): Known | undefined {
  const { engine, instant, run } = useStore();
  const [known, setKnown] = useState<Known | undefined>();
  const id = run.value?.header.id;
  const position = instant.value?.position;
  // What was waited for may have been answered by what came since.
  const folded = run.value?.isWhole.value === true ? 0 : (run.value?.course.value?.folded ?? 0);
  useEffect(() => {
    if (id === undefined || position === undefined) return;
    let isLate = false;
    Promise.all([engine.ask('links', id, position), engine.ask('difference', id, position)])
      .then(([links, difference]) => {
        if (!isLate) setKnown({ run: id, links, difference });
      })
      .catch(() => {});
    return () => {
      isLate = true;
    };
  }, [id, position, folded]);
  return known?.run === id ? known : undefined;
}
