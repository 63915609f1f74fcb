/** The worker that folds: questions are answered between two slices of folding, so that neither waits for the other. */
import { Engine } from '../view/engine.ts';
import type { Question, Told } from './asking.ts';

/** Folded in one go before questions are looked at again: some milliseconds. */
const SLICE_RECORDS = 200;
const FIRST_RECORDS = 50;
/** How often the page is told how far a run has come. */
const COURSE_EVERY_MS = 150;

const engine = new Engine();
const folding = new Set<string>();
/** Runs of which something has been told. */
const begun = new Set<string>();
let toldMs = 0;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Question>) => void;
  postMessage(message: Told): void;
};
const soon = new MessageChannel();
soon.port1.onmessage = slice;
/** A slice has been asked for: a second one would go before the questions that came in between. */
let isSoon = false;

function goOn(): void {
  if (isSoon || folding.size === 0) return;
  isSoon = true;
  soon.port2.postMessage(undefined);
}

function slice(): void {
  isSoon = false;
  const [run] = folding;
  if (run === undefined) return;
  const more = engine.fold(run, SLICE_RECORDS);
  if (!more) folding.delete(run);
  else {
    // The next one's turn.
    folding.delete(run);
    folding.add(run);
  }
  if (!more || performance.now() - toldMs > COURSE_EVERY_MS) {
    scope.postMessage({ tell: 'course', news: engine.news(run) });
    toldMs = performance.now();
  }
  goOn();
}

scope.onmessage = ({ data }) => {
  switch (data.ask) {
    case 'open':
      engine.open(data.header);
      return;
    case 'append': {
      scope.postMessage({ tell: 'columns', run: data.run, columns: engine.append(data.run, data.lines) });
      const isFirst = !begun.has(data.run);
      begun.add(data.run);
      folding.add(data.run);
      // Before the lines that wait behind these: something is to be seen at once.
      if (isFirst) {
        engine.fold(data.run, FIRST_RECORDS);
        scope.postMessage({ tell: 'course', news: engine.news(data.run) });
      }
      goOn();
      return;
    }
    default:
      answer(data);
  }
};

function answer({ ask, id, args }: Extract<Question, { readonly id: number }>): void {
  try {
    const method = engine[ask] as (...args: readonly unknown[]) => unknown;
    scope.postMessage({ tell: 'answer', id, answer: method.apply(engine, args as unknown[]) });
  } catch (error) {
    scope.postMessage({ tell: 'refusal', id, because: (error as Error).message });
  }
}
