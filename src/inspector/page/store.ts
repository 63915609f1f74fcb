/**
 * What the page is looking at: runs, one cursor, one span of time, one selection. Everything shown is computed from these
 * signals; every part of the page shows the instant that `instant` holds, and none keeps one of its own.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Branch, BranchWish, RunHeader, Session } from '../page-data.ts';
import { type Course, CourseKeeper } from '../view/course.ts';
import type { Instant } from '../view/instant.ts';
import { type Asking, asking } from './asking.ts';
import { ColumnTable } from './column-table.ts';
import { askingLatest } from './latest.ts';
import type { Source } from './source.ts';

export interface RunState {
  readonly header: RunHeader;
  readonly table: ColumnTable;
  /** Counts up with each chunk of records: what reads the table reads this, too. */
  readonly records: Signal<number>;
  readonly course: Signal<Course | undefined>;
  /** What the clock of a live run shows; 0 of any other. */
  readonly nowNs: Signal<number>;
  /** What the course grows from. */
  readonly kept: CourseKeeper;
  /** All lines have come. */
  readonly isWhole: Signal<boolean>;
  readonly trouble: Signal<string | undefined>;
}

/** Of a run among others: its name, and where it is from if another one has the same. */
export function nameOf({ run, source }: RunHeader, runs: readonly RunState[]): string {
  const isAlone = runs.filter(({ header }) => header.run === run).length < 2;
  return isAlone ? run : `${run} · ${source}`;
}

export interface Cursor {
  readonly position: number;
  /** Between two records it may stand anywhere. */
  readonly atNs: number;
}

export interface Span {
  readonly fromNs: number;
  readonly toNs: number;
}

export interface Selection {
  /** A chart's address. */
  readonly chart?: string;
  /** A state's dotted path in it. */
  readonly state?: string;
}

export const VIEWS = ['chart', 'records', 'messages', 'tellers', 'gallery'] as const;
export type View = (typeof VIEWS)[number];
export const DOCKS = ['lanes', 'plots', 'memory'] as const;
export type Dock = (typeof DOCKS)[number];

export const SPEEDS = [
  0.0001, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000,
] as const;

/** Shown before and after the switchover when it is zoomed into, as a share of it. */
const AROUND_SWITCHOVER = 0.08;

export interface Store {
  readonly source: Source;
  readonly engine: Asking;
  readonly session: Signal<Session | undefined>;
  readonly trouble: Signal<string | undefined>;
  readonly runs: Signal<readonly RunState[]>;
  /** The run that the cursor is in, and the one beside it. */
  readonly shown: Signal<string | undefined>;
  readonly beside: Signal<string | undefined>;
  readonly run: ReadonlySignal<RunState | undefined>;
  readonly runBeside: ReadonlySignal<RunState | undefined>;
  readonly cursor: Signal<Cursor>;
  readonly instant: Signal<Instant | undefined>;
  readonly instantBeside: Signal<Instant | undefined>;
  /** What lanes, plots and the memory map show; all of the run unless somebody zoomed. */
  readonly zoom: Signal<Span | undefined>;
  readonly span: ReadonlySignal<Span>;
  /** Of the run, or of the longer of two. */
  readonly endNs: ReadonlySignal<number>;
  readonly selection: Signal<Selection>;
  readonly view: Signal<View>;
  readonly dock: Signal<Dock>;
  readonly playing: Signal<boolean>;
  /** Virtual seconds in a second. */
  readonly speed: Signal<number>;
  /** Stays at the end of a live run. */
  readonly following: Signal<boolean>;
  readonly whatIfOpen: Signal<boolean>;
  readonly helpOpen: Signal<boolean>;
  load(): Promise<void>;
  seek(position: number): void;
  seekTime(ns: number): void;
  stepBy(records: number): void;
  /** From the moment the guest stops until it runs again, with a little around it; nothing happens where it never stopped. */
  zoomToSwitchover(): void;
  showRun(id: string): void;
  branch(wish: BranchWish): Promise<Branch>;
}

export const StoreContext = createContext<Store | undefined>(undefined);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === undefined) throw new Error('no store around this component');
  return store;
}

export function createStore(source: Source, worker: Worker): Store {
  const runs = signal<readonly RunState[]>([]);
  const find = (id: string | undefined) => runs.value.find(({ header }) => header.id === id);
  const shown = signal<string | undefined>(undefined);
  const beside = signal<string | undefined>(undefined);
  const run = computed(() => find(shown.value));
  const runBeside = computed(() => find(beside.value));
  const cursor = signal<Cursor>({ position: 0, atNs: 0 });
  const zoom = signal<Span | undefined>(undefined);
  const following = signal(false);
  const session = signal<Session | undefined>(undefined);
  const trouble = signal<string | undefined>(undefined);
  const playing = signal(false);
  const view = signal<View>('chart');

  const engine = asking(worker, (message) => {
    const id = message.tell === 'columns' ? message.run : message.tell === 'course' ? message.news.run : '';
    const state = find(id);
    if (state === undefined) return;
    if (message.tell === 'columns') {
      state.table.add(message.columns);
      state.records.value = state.table.length;
    } else if (message.tell === 'course') {
      state.course.value = state.kept.add(message.news);
      if (following.value && state === run.value) seek(message.news.folded - 1);
    }
  });

  const endNs = computed(() => Math.max(1, ...[run.value, runBeside.value].map((state) => endOf(state))));
  const span = computed((): Span => zoom.value ?? { fromNs: 0, toNs: endNs.value });

  function seek(position: number): void {
    const state = run.value;
    if (state === undefined) return;
    const last = Math.max(0, state.table.length - 1);
    const at = Math.min(Math.max(0, Math.round(position)), last);
    cursor.value = { position: at, atNs: state.table.atNs(at) };
  }

  function seekTime(ns: number): void {
    const state = run.value;
    if (state === undefined) return;
    const atNs = Math.min(Math.max(0, ns), endNs.value);
    cursor.value = { position: state.table.positionAt(atNs), atNs };
  }

  function list(headers: readonly RunHeader[]): void {
    const states = headers.map(
      (header): RunState => ({
        header,
        table: new ColumnTable(),
        records: signal(0),
        course: signal(undefined),
        nowNs: signal(0),
        kept: new CourseKeeper(),
        isWhole: signal(false),
        trouble: signal(header.damage ?? header.drift),
      }),
    );
    runs.value = [...runs.value, ...states];
  }

  /** Records are fetched when a run is looked at for the first time: a file may hold many. */
  const brought = new Map<string, Promise<void>>();
  function bring(id: string | undefined): Promise<void> {
    const state = find(id);
    if (id === undefined || state === undefined) return Promise.resolve();
    const known = brought.get(id) ?? fetchAll(state);
    brought.set(id, known);
    return known;
  }

  async function fetchAll(state: RunState): Promise<void> {
    const { header } = state;
    engine.open(header);
    try {
      const ended = await source.lines(header, {
        lines: (lines) => engine.append(header.id, lines),
        now(ns) {
          state.nowNs.value = ns;
          if (following.value && state === run.value) cursor.value = { position: cursor.value.position, atNs: ns };
        },
      });
      state.nowNs.value = 0;
      state.isWhole.value = true;
      if (ended === header) return;
      // A live run that has ended can be branched, and has a memory map.
      state.trouble.value = ended.damage ?? ended.drift;
      runs.value = runs.value.map((one) => (one.header.id === ended.id ? { ...one, header: ended } : one));
    } catch (error) {
      state.trouble.value = `the records cannot be read to their end: ${(error as Error).message}`;
    }
  }

  const instant = follow(
    engine,
    shown,
    computed(() => cursor.value.position),
    run,
  );
  const instantBeside = follow(
    engine,
    beside,
    computed(() => {
      const state = runBeside.value;
      return state === undefined || state.records.value === 0 ? 0 : state.table.positionAt(cursor.value.atNs);
    }),
    runBeside,
  );

  const store: Store = {
    source,
    engine,
    session,
    trouble,
    runs,
    shown,
    beside,
    run,
    runBeside,
    cursor,
    instant,
    instantBeside,
    zoom,
    span,
    endNs,
    selection: signal({}),
    view,
    dock: signal('lanes'),
    playing,
    speed: signal(1),
    following,
    whatIfOpen: signal(false),
    helpOpen: signal(false),
    async load() {
      try {
        const found = await source.session();
        batch(() => {
          session.value = found;
          list(found.runs);
          const [first, second] = found.runs;
          shown.value = first?.id;
          // Two journals, or a run and its branch, are there to be compared; of other runs the person chooses.
          beside.value = found.runs.length === 2 && areCompared(first, second) ? second?.id : undefined;
          if (first === undefined) view.value = 'gallery';
          following.value = first?.state === 'live';
        });
        effect(() => {
          void bring(shown.value);
          void bring(beside.value);
        });
      } catch (error) {
        trouble.value = (error as Error).message;
      }
    },
    seek(position) {
      following.value = false;
      seek(position);
    },
    seekTime(ns) {
      following.value = false;
      seekTime(ns);
    },
    stepBy(records) {
      playing.value = false;
      following.value = false;
      seek(cursor.value.position + records);
    },
    zoomToSwitchover() {
      const lanes = [run.value, runBeside.value].flatMap((state) => state?.course.value?.lanes ?? []);
      const spans = lanes.filter(({ group }) => group === 'downtime').flatMap((lane) => lane.spans);
      if (spans.length === 0) return;
      const fromNs = Math.min(...spans.map((one) => one.fromNs));
      const toNs = Math.max(...spans.map((one) => one.toNs ?? endNs.value));
      const around = (toNs - fromNs) * AROUND_SWITCHOVER;
      zoom.value = { fromNs: Math.max(0, fromNs - around), toNs: Math.min(endNs.value, toNs + around) };
    },
    showRun(id) {
      const { atNs } = cursor.value;
      batch(() => {
        if (beside.value === id) beside.value = shown.value;
        shown.value = id;
        seekTime(atNs);
      });
      // The same time in a run whose records are still to come.
      void bring(id).then(() => {
        if (shown.value === id && cursor.value.position === 0) seekTime(atNs);
      });
    },
    async branch(wish) {
      const id = shown.value ?? '';
      const branched = await source.branch(id, wish);
      batch(() => {
        list([branched.run]);
        beside.value = branched.run.id;
        zoom.value = undefined;
      });
      await bring(branched.run.id);
      return branched;
    },
  };
  return store;
}

function areCompared(first: RunHeader | undefined, second: RunHeader | undefined): boolean {
  if (first === undefined || second === undefined) return false;
  return first.source !== second.source || second.branch?.of === first.id;
}

function endOf(state: RunState | undefined): number {
  if (state === undefined || state.records.value === 0) return 0;
  return Math.max(state.table.atNs(state.table.length - 1), state.nowNs.value);
}

/** The instant at a cursor, the latest only. */
function follow(
  engine: Asking,
  id: ReadonlySignal<string | undefined>,
  position: ReadonlySignal<number>,
  state: ReadonlySignal<RunState | undefined>,
): Signal<Instant | undefined> {
  const instant = signal<Instant | undefined>(undefined);
  let asked: { readonly id: string; readonly position: number } | undefined;
  const ask = askingLatest<{ readonly run: string; readonly found: Instant | undefined }>(({ run, found }) => {
    if (found !== undefined && id.peek() === run) instant.value = found;
  });
  effect(() => {
    const run = id.value;
    if (run === undefined) {
      asked = undefined;
      instant.value = undefined;
      return;
    }
    // Of a run that is still being folded, the furthest that there is.
    const folded = state.value?.course.value?.folded ?? 0;
    if (folded === 0) return;
    const at = Math.min(position.value, folded - 1);
    if (asked?.id === run && asked.position === at) return;
    asked = { id: run, position: at };
    ask(async () => ({ run, found: await engine.ask('at', run, at) }));
  });
  return instant;
}
