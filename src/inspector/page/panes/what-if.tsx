/**
 * What if, at the cursor: another rule, manager, link or limit, a fault, a cancel. The run is made again up to there and goes on
 * otherwise beside it; the command line that does the same is shown. Nothing is written into anybody's journal.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Choices } from '../../view/choices.ts';
import { branchCommandLine, NOTHING_WISHED, settingsOf, type Wish } from '../branch-wish.ts';
import { moment } from '../format.ts';
import { type MadeBranch, madeBranches } from '../made-branches.ts';
import { BranchResult } from '../parts/branch-result.tsx';
import { CommandLine } from '../parts/command-line.tsx';
import { WishForm } from '../parts/wish-form.tsx';
import { useStore } from '../store.ts';

export function WhatIf() {
  const { whatIfOpen, run } = useStore();
  const panel = useRef<HTMLElement | null>(null);
  const made = madeBranches.value.length;
  // What came of it stands on top.
  useEffect(() => panel.current?.scrollTo({ top: 0 }), [made]);
  if (!whatIfOpen.value || run.value === undefined) return null;
  return (
    <section ref={panel} class="what-if" role="dialog" aria-label="What if">
      <header>
        <h2>What if …</h2>
        <button
          type="button"
          aria-label="Close"
          onClick={() => {
            whatIfOpen.value = false;
          }}
        >
          ✕
        </button>
      </header>
      <Asked />
    </section>
  );
}

function Asked() {
  const { session, run } = useStore();
  const header = run.value?.header;
  if (header === undefined) return null;
  const never = header.noBranch ?? (session.value?.mode === 'file' ? IN_A_FILE : undefined);
  if (never !== undefined) {
    return (
      <p class="what-if-never" data-refused>
        {header.run} cannot be branched: {never}.
      </p>
    );
  }
  return <Wishing key={header.id} />;
}

const IN_A_FILE = 'an exported file replays, and does not branch: open its journal with switchover inspect';

function Wishing() {
  const store = useStore();
  const { cursor, run, instant } = store;
  const header = run.value?.header;
  const choices = useChoices();
  const [wish, setWish] = useState<Wish>(NOTHING_WISHED);
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | undefined>();
  if (header === undefined || choices === undefined) return null;
  const { position } = cursor.value;
  const atNs = run.value?.table.atNs(position) ?? 0;
  const read = readWish(wish, atNs);
  const latest = madeBranches.value.filter((made) => made.parent === header.id).at(-1);
  const isKept = !madeBranches.value.some((made) => made.branch.run.id === header.id);
  const go = async () => {
    if ('error' in read) return;
    setBusy(true);
    setRefused(undefined);
    try {
      const branch = await store.branch({ position, set: read.set });
      const made: MadeBranch = { parent: header.id, position, atNs, set: read.set, branch };
      madeBranches.value = [...madeBranches.value, made];
    } catch (error) {
      setRefused((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {latest !== undefined && <BranchResult made={latest} source={isKept ? header.source : undefined} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <p class="what-if-at">
          From record <b>{position}</b> on, at {moment(atNs)}:
        </p>
        <WishForm
          wish={wish}
          put={(part) => setWish((before) => ({ ...before, ...part }))}
          choices={choices}
          devices={devicesIn(instant.value?.charts)}
        />
        {(refused !== undefined || 'error' in read) && (
          <p class="what-if-refused" role="alert">
            {refused ?? ('error' in read ? read.error : '')}
          </p>
        )}
        <div class="what-if-go">
          <button
            type="submit"
            class="primary"
            disabled={isBusy || 'error' in read || Object.keys(read.set).length === 0}
          >
            {isBusy ? 'Running …' : 'Run the branch'}
          </button>
          <button type="button" onClick={() => setWish(NOTHING_WISHED)}>
            Clear
          </button>
          <span class="soft">{isBusy ? `made again up to record ${position}, then on` : ''}</span>
        </div>
      </form>
      {!('error' in read) && Object.keys(read.set).length > 0 && isKept && (
        <CommandLine
          label="The same in a terminal"
          text={branchCommandLine({ source: header.source, run: header.run, position, set: read.set })}
        />
      )}
    </>
  );
}

type Read = { readonly set: Readonly<Record<string, string>> } | { readonly error: string };

function readWish(wish: Wish, atNs: number): Read {
  try {
    return { set: settingsOf(wish, atNs) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function devicesIn(charts: readonly { readonly address: string }[] | undefined): readonly string[] {
  return (charts ?? [])
    .map(({ address }) => address)
    .filter((address) => address.startsWith('device/') && !address.startsWith('device/destination/'))
    .map((address) => address.slice('device/'.length));
}

function useChoices(): Choices | undefined {
  const { engine } = useStore();
  const [known, setKnown] = useState<Choices | undefined>();
  useEffect(() => {
    engine
      .ask('choices')
      .then(setKnown)
      .catch(() => {});
  }, []);
  return known;
}
