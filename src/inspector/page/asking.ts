/** Questions from the page to its worker: each call is a message with a number, each answer carries it. */

import type { RunHeader } from '../page-data.ts';
import type { Columns } from '../view/columns.ts';
import type { CourseNews } from '../view/course.ts';
import type { Engine } from '../view/engine.ts';

type Methods = Pick<
  Engine,
  | 'at'
  | 'between'
  | 'record'
  | 'visits'
  | 'roster'
  | 'visitsAround'
  | 'graph'
  | 'exits'
  | 'search'
  | 'rows'
  | 'links'
  | 'difference'
  | 'sequence'
  | 'sequenceCounts'
  | 'tellers'
  | 'tellings'
  | 'choices'
>;

export type Question =
  | { readonly ask: 'open'; readonly header: Pick<RunHeader, 'id' | 'tapes'> }
  | { readonly ask: 'append'; readonly run: string; readonly lines: readonly string[] }
  | { readonly ask: keyof Methods; readonly id: number; readonly args: readonly unknown[] };

export type Told =
  | { readonly tell: 'columns'; readonly run: string; readonly columns: Columns }
  | { readonly tell: 'course'; readonly news: CourseNews }
  | { readonly tell: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly tell: 'refusal'; readonly id: number; readonly because: string };

export interface Asking {
  open(header: RunHeader): void;
  append(run: string, lines: readonly string[]): void;
  ask<M extends keyof Methods>(method: M, ...args: Parameters<Methods[M]>): Promise<ReturnType<Methods[M]>>;
}

/** `told` hears of everything that is no answer. */
export function asking(worker: Worker, told: (message: Told) => void): Asking {
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  let next = 0;
  worker.onmessage = ({ data }: MessageEvent<Told>) => {
    if (data.tell === 'columns' || data.tell === 'course') {
      told(data);
      return;
    }
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.tell === 'answer') one?.resolve(data.answer as never);
    else one?.reject(new Error(data.because));
  };
  const post = (question: Question) => worker.postMessage(question);
  return {
    open: ({ id, tapes }) => post({ ask: 'open', header: tapes === undefined ? { id } : { id, tapes } }),
    append: (run, lines) => post({ ask: 'append', run, lines }),
    ask: (method, ...args) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve: resolve as (answer: never) => void, reject });
        post({ ask: method, id, args });
      }),
  };
}
