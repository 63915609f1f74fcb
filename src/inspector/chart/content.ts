/**
 * What is written where: the texts of a state box and of a transition's label, broken into lines and measured.
 *
 * A block is a rectangle of lines; every run of text in it has its place and its width, so that the layout knows the size
 * before anything is painted and the painter decides nothing. A label shows the event, then its guard in brackets, then
 * what is done; actions carry an icon of their kind.
 */
import { textWidth } from './font.ts';
import type { ChartState, ChartTransition } from './graph.ts';
import { isInternal } from './graph.ts';
import type { ActionKind, ActionName } from './names.ts';

export type Tone = 'title' | 'event' | 'timer' | 'done' | 'guard' | 'tag' | ActionKind;
export type Icon = Exclude<ActionKind, 'action'> | 'timer' | 'final' | 'again';

export interface Run {
  readonly text: string;
  readonly tone: Tone;
  /** px from the left of its block to the icon, or to the text where there is none. */
  readonly x: number;
  readonly icon?: Icon;
  /** px from the left of its block to the text. */
  readonly textX: number;
  readonly width: number;
}

export interface Line {
  /** px from the top of its block to the baseline. */
  readonly baseline: number;
  readonly runs: readonly Run[];
}

/** The lines of one transition (its id), or of the state itself. */
export interface Section {
  readonly transition?: ChartTransition;
  readonly top: number;
  readonly height: number;
  readonly lines: readonly Line[];
}

export interface Block {
  readonly width: number;
  readonly height: number;
  readonly sections: readonly Section[];
}

export const FONT_PX = { title: 14, event: 12, small: 11 } as const;
export const ICON_PX = 12;
export const HEADER_PX = 26;
const LINE_PX = 16;
const GAP_PX = 7;
const INDENT_PX = 8;
const COLUMN_GAP_PX = 4;
const TAG_PX = 32;
const BODY_PADDING = { x: 10, y: 6 } as const;
/** Between the transitions that share a label; a hairline is drawn in its middle. */
export const SECTION_GAP_PX = 5;
const LABEL_PADDING = { x: 5, y: 2 } as const;

export function fontPx(tone: Tone): number {
  if (tone === 'title') return FONT_PX.title;
  return tone === 'event' || tone === 'timer' || tone === 'done' || tone === 'guard' ? FONT_PX.event : FONT_PX.small;
}

export function isBold(tone: Tone): boolean {
  return tone === 'title' || tone === 'event' || tone === 'timer';
}

interface Piece {
  readonly text: string;
  readonly tone: Tone;
  readonly icon?: Icon;
}

/** A label for one edge: the transitions that share it, one below the other. */
export function labelBlock(transitions: readonly ChartTransition[], wrapPx: number): Block {
  const stack = new Stack(LABEL_PADDING.x, LABEL_PADDING.y);
  for (const transition of transitions) {
    stack.begin(transition);
    writeTransition(stack, transition, wrapPx, 0);
    stack.end(SECTION_GAP_PX);
  }
  return stack.block(LABEL_PADDING.y);
}

/** The header's text alone: the name, with a mark for what ends its parent. */
export function titleRun(state: ChartState): Run {
  const stack = new Stack(BODY_PADDING.x, 0);
  const piece: Piece = { text: state.key, tone: 'title', ...(state.kind === 'final' && { icon: 'final' as const }) };
  return stack.place(piece, 0);
}

/** Everything below the header, or undefined when there is nothing to say. */
export function bodyBlock(state: ChartState, own: readonly ChartTransition[], wrapPx: number): Block | undefined {
  const stack = new Stack(BODY_PADDING.x, BODY_PADDING.y);
  stack.begin();
  writeTagged(stack, 'entry', actionPieces(state.entry), wrapPx);
  writeTagged(stack, 'exit', actionPieces(state.exit), wrapPx);
  writeTagged(
    stack,
    'runs',
    state.invokes.map((text) => ({ text, tone: 'action' })),
    wrapPx,
  );
  stack.end(4);
  const internal = own.filter(isInternal);
  const ignored = internal.filter((transition) => isIgnored(transition));
  for (const transition of internal.filter((each) => !isIgnored(each))) {
    stack.begin(transition);
    writeTransition(stack, transition, wrapPx, 0);
    stack.end(4);
  }
  if (ignored.length > 0) {
    stack.begin();
    const names = ignored.map(({ event }, index) => (index < ignored.length - 1 ? `${event},` : event));
    stack.flow(
      [{ text: 'ignores', tone: 'tag' }, ...names.map((text): Piece => ({ text, tone: 'tag' }))],
      0,
      wrapPx,
      4,
    );
    stack.end(0);
  }
  return stack.isEmpty() ? undefined : stack.block(BODY_PADDING.y);
}

/** A long body in several columns of about the same height, in the same order. */
export function inColumns(block: Block, columns: number): Block {
  const columnPx = block.height / columns;
  const placed: Section[] = [];
  let column = 0;
  let top = BODY_PADDING.y;
  let bottom = 0;
  for (const section of block.sections) {
    if (top + section.height / 2 > columnPx && column < columns - 1 && top > BODY_PADDING.y) {
      column += 1;
      top = BODY_PADDING.y;
    }
    placed.push(shifted(section, column * block.width, top - section.top));
    top += section.height + COLUMN_GAP_PX;
    bottom = Math.max(bottom, top - COLUMN_GAP_PX);
  }
  return { width: block.width * (column + 1), height: bottom + BODY_PADDING.y, sections: placed };
}

function shifted(section: Section, dx: number, dy: number): Section {
  const lines = section.lines.map(({ baseline, runs }) => ({
    baseline: baseline + dy,
    runs: runs.map((run) => ({ ...run, x: run.x + dx, textX: run.textX + dx })),
  }));
  return { ...section, top: section.top + dy, lines };
}

/** An event that a state takes and does nothing with: said on purpose. */
function isIgnored(transition: ChartTransition): boolean {
  return transition.targets.length === 0 && transition.actions.length === 0 && transition.guard === undefined;
}

function writeTransition(stack: Stack, transition: ChartTransition, wrapPx: number, indent: number): void {
  const head: Piece[] = [];
  const again = isInternal(transition) && transition.targets.length > 0 ? { icon: 'again' as const } : {};
  if (transition.trigger === 'timer') head.push({ text: transition.event, tone: 'timer', icon: 'timer' });
  else if (transition.trigger === 'always') head.push({ text: 'always', tone: 'tag', ...again });
  else head.push({ text: transition.event, tone: transition.trigger === 'done' ? 'done' : 'event', ...again });
  if (transition.guard !== undefined) head.push(...guardPieces(transition.guard, wrapPx));
  else if (transition.otherwise) head.push({ text: '[else]', tone: 'guard' });
  stack.flow(head, indent, wrapPx, 5);
  const rest = actionPieces(transition.actions);
  if (rest.length > 0) stack.flow(rest, indent + INDENT_PX, wrapPx, GAP_PX);
}

/** A guard that is wider than a line is broken at its words. */
function guardPieces(guard: string, wrapPx: number): Piece[] {
  const whole = `[${guard}]`;
  if (textWidth(whole, FONT_PX.event, false) <= wrapPx) return [{ text: whole, tone: 'guard' }];
  return whole.split(' ').map((text) => ({ text, tone: 'guard' }));
}

function writeTagged(stack: Stack, tag: string, pieces: readonly Piece[], wrapPx: number): void {
  if (pieces.length === 0) return;
  stack.flow(pieces, TAG_PX, wrapPx, GAP_PX, { text: tag, tone: 'tag' });
}

/** Two actions that would read alike (the same message with data that only a run knows) show their own names as well. */
function actionPieces(actions: readonly ActionName[]): Piece[] {
  return actions.map(({ kind, name, text }): Piece => {
    const isTwin = text !== name && actions.some((other) => other.text === text && other.name !== name);
    const shown = isTwin ? `${text} (${name})` : text;
    return kind === 'action' ? { text: shown, tone: kind } : { text: shown, tone: kind, icon: kind };
  });
}

/** Collects lines from top to bottom; one section for each transition. */
class Stack {
  private readonly left: number;
  private y: number;
  private sections: Section[] = [];
  private open: { transition?: ChartTransition; top: number; lines: Line[] } = { top: 0, lines: [] };
  private right = 0;
  private gap = 0;

  constructor(left: number, top: number) {
    this.left = left;
    this.y = top;
  }

  begin(transition?: ChartTransition): void {
    if (this.sections.length > 0) this.y += this.gap;
    this.open = { ...(transition !== undefined && { transition }), top: this.y, lines: [] };
  }

  /** `gap`: px to leave before the next section. */
  end(gap: number): void {
    if (this.open.lines.length === 0) return;
    this.sections.push({ ...this.open, height: this.y - this.open.top });
    this.gap = gap;
  }

  isEmpty(): boolean {
    return this.sections.length === 0;
  }

  place(piece: Piece, indent: number): Run {
    const x = this.left + indent;
    const textX = piece.icon === undefined ? x : x + ICON_PX + 3;
    const width = textWidth(piece.text, fontPx(piece.tone), isBold(piece.tone));
    this.right = Math.max(this.right, textX + width);
    return { ...piece, x, textX, width };
  }

  /** Fills lines up to `wrapPx`; a piece that is longer stands alone. `tag` goes to the left of the first line. */
  flow(pieces: readonly Piece[], indent: number, wrapPx: number, gapPx: number, tag?: Piece): void {
    let runs: Run[] = tag === undefined ? [] : [this.place(tag, 0)];
    let at = indent;
    let isFirst = true;
    for (const piece of pieces) {
      const needed = pieceWidth(piece);
      if (!isFirst && at + needed > wrapPx) {
        this.line(runs);
        runs = [];
        at = indent;
      }
      runs.push(this.place(piece, at));
      at += needed + gapPx;
      isFirst = false;
    }
    this.line(runs);
  }

  block(bottom: number): Block {
    return { width: Math.ceil(this.right + this.left), height: this.y + bottom, sections: this.sections };
  }

  private line(runs: readonly Run[]): void {
    this.open.lines.push({ baseline: this.y + 12, runs });
    this.y += LINE_PX;
  }
}

function pieceWidth(piece: Piece): number {
  const text = textWidth(piece.text, fontPx(piece.tone), isBold(piece.tone));
  return piece.icon === undefined ? text : text + ICON_PX + 3;
}
