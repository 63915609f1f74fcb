/**
 * What the server, an exported file and the page agree on. Records cross as the journal's own lines of text, and the page folds
 * them itself; everything else here is what records do not hold: names, pictures, and what only a model that is run again knows.
 *
 * Routes: GET /api/session (Session); GET /api/runs/ID/records?from=N (one record a line); GET /api/runs/ID/live?from=N
 * (server-sent events: `records`, an array of lines, and `ended`, the RunHeader as it is then); GET
 * /api/runs/ID/memory-map?from=NS&to=NS (MemoryMap); GET /api/pictures/NAME.svg; POST /api/runs/ID/branch (BranchWish, answered with Branch); POST /api/walk (WalkWish, Walk).
 * What is refused is answered with a status of 400 or more and `{ "error": "..." }`, a sentence for a person. Between lines that
 * are records there may be asides (Aside), wherever lines go.
 */
import type { ChartGraph } from './chart/graph.ts';

/** The first thing that a page asks for; an exported file carries it. */
export interface Session {
  readonly version: string;
  /** `file`: there is nobody to ask, everything is in the page. */
  readonly mode: 'served' | 'file';
  /** In the order in which they were named; the first one is shown. */
  readonly runs: readonly RunHeader[];
  /** Charts that can be clicked through by hand; the page opens with them where there is no run. */
  readonly machines: readonly MachineHeader[];
  /** What else a person should know of what was opened: runs that are not shown, for instance. */
  readonly notice?: string;
}

export interface RunHeader {
  /** `0`, `1`, ...: in paths, and between page and server. */
  readonly id: string;
  readonly run: string;
  /** The journal's file, or the scenario of a live run. */
  readonly source: string;
  /** How many there are now; a live run gets more. */
  readonly records: number;
  /** `live`: it goes on while it is looked at. */
  readonly state: 'whole' | 'live';
  /** What is broken in the journal, after the records that are good. */
  readonly damage?: string;
  /** It was made by other charts than this page's: what is shown may not be what was. */
  readonly drift?: string;
  /** Why nothing can be branched from it; absent: it can be. */
  readonly noBranch?: string;
  /** Why there is no memory map; absent: there is one to ask for. */
  readonly noMemoryMap?: string;
  /** The run that it leaves, the last record that both have, and what was set. */
  readonly branch?: {
    /** The parent's id here. */
    readonly of: string;
    readonly position: number;
    readonly changes: Readonly<Record<string, unknown>>;
  };
  /** Charts of the user's own, which the page cannot run: the names of their pictures, by address. Lines carry their steps. */
  readonly tapes?: Readonly<Record<string, string>>;
}

/** A line that is no record: `{"damage":...}` or `{"tape":...}`. */
export type Aside =
  /** What is broken in the journal behind the last line; nothing follows. */
  | { readonly damage: string }
  /** Of charts of the user's own: what they did with the record that follows, by address. */
  | { readonly tape: Readonly<Record<string, readonly TapeStep[]>> };

/**
 * One delivery to a chart of the user's own, as it went. A chart is a function of what it was opened with and told, so that a
 * fold from anywhere finds its step by what is told (`told`), and needs no position.
 */
export interface TapeStep {
  /** It was opened anew; what follows it, up to the next such one, was told to it. */
  readonly opens?: true;
  /** CRC-32 of the event's JSON, or of the input's where it was opened. */
  readonly told: number;
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  /** Outputs as `ChartOutput`s, without functions. */
  readonly outputs: readonly unknown[];
  readonly taken: boolean;
  /** Ids of the transitions that it took, as in its picture, and the states that it entered, those included that it left again. */
  readonly transitions: readonly string[];
  readonly entered: readonly string[];
}

export interface MachineHeader {
  /** `migration`, `convergence-qemu`; of a module of the user's own `own/NAME`. */
  readonly name: string;
  readonly group: 'migration' | 'vmm' | 'manager' | 'own';
  readonly description: string;
  readonly graph: ChartGraph;
}

/** What an exported page carries beside its code, as JSON in `<script type="application/json" id="session">`. */
export interface SessionFile {
  readonly session: Session;
  /** Records, one a line, by the run's id. */
  readonly lines: Readonly<Record<string, readonly string[]>>;
  /** SVGs by the picture's name. */
  readonly pictures: Readonly<Record<string, string>>;
  /** By the run's id. */
  readonly memoryMaps: Readonly<Record<string, MemoryMap>>;
}

/**
 * Which pages were touched when, as a raster: `cells[layer]` has `timeBins` x `addressBins` bytes in base64, row by row of
 * address, each the share of that cell's pages in 1/255 (at least 1 where there is any).
 */
export interface MemoryMap {
  readonly pages: number;
  readonly pageBytes: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly timeBins: number;
  readonly addressBins: number;
  /** First page of each address bin, and one past the last; holes in guest memory are left out. */
  readonly firstPages: readonly number[];
  readonly cells: Readonly<Record<MemoryLayer, string>>;
}

export type MemoryLayer = 'vcpu' | 'dma' | 'other' | 'sent' | 'sentAgain';

export interface BranchWish {
  /** After this record. */
  readonly position: number;
  /** Dotted keys of the scenario with values as a person writes them. */
  readonly set: Readonly<Record<string, string>>;
}

export interface Branch {
  readonly run: RunHeader;
  /** Figure by figure, of the run and of its branch. */
  readonly figures: readonly BranchFigure[];
  readonly sentence: string;
}

export interface BranchFigure {
  readonly name: string;
  readonly parent: string;
  readonly branch: string;
  /** `=`, `other`, or by how many percent the branch has more. */
  readonly change: string;
  /** Whose is better; absent: neither's, or nobody can say. */
  readonly better?: 'parent' | 'branch';
}

/** A chart walked through by hand: the events so far, each as `{ type, ... }`. Nothing is kept between two of these. */
export interface WalkWish {
  readonly machine: string;
  readonly input?: unknown;
  readonly events: readonly { readonly type: string; readonly [key: string]: unknown }[];
}

export interface Walk {
  /** Dotted paths of active states, parents first; the root's is empty. */
  readonly active: readonly string[];
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  /** Of the last event. */
  readonly taken: readonly string[];
  readonly actions: readonly string[];
  readonly next: readonly WalkStep[];
  /** How often each state was entered, and each transition taken. */
  readonly visits: Readonly<Record<string, number>>;
  /** What the last event led to instead: nothing of it was taken. */
  readonly error?: string;
}

/** A transition that leads out of an active state. */
export interface WalkStep {
  readonly id: string;
  /** What to send. */
  readonly event: { readonly type: string; readonly [key: string]: unknown };
  readonly label: string;
  readonly trigger: 'event' | 'timer' | 'done' | 'always';
  readonly guard?: string;
  /** `unknown`: it depends on what the event carries. */
  readonly holds: 'yes' | 'no' | 'unknown';
}
