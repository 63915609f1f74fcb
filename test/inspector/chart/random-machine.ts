/** Machines that nobody would write, to find layouts that nobody thought of. */
import fc from 'fast-check';
import { type AnyStateMachine, createMachine } from 'xstate';

interface Tree {
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly entry: readonly string[];
  readonly children: readonly Tree[];
}

interface Arrow {
  readonly from: number;
  /** `undefined`: it stays where it is. */
  readonly to: number | undefined;
  readonly by: string;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  readonly reenter: boolean;
}

const name = fc.constantFrom(
  'go',
  'DONE',
  'remember',
  'SWITCHOVER_DECIDED',
  'thereIsNoRoomForAnotherRound',
  'x',
  'a < b & "c"',
);
const words = fc.array(name, { maxLength: 3 });

const leaf: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constantFrom('atomic' as const, 'atomic' as const, 'atomic' as const, 'final' as const),
  entry: words,
  children: fc.constant([]),
});

function tree(depth: number): fc.Arbitrary<Tree> {
  if (depth === 0) return leaf;
  const parent = fc.record({
    kind: fc.constantFrom('compound' as const, 'compound' as const, 'parallel' as const),
    entry: words,
    children: fc.array(tree(depth - 1), { minLength: 1, maxLength: 4, size: 'max' }),
  });
  return fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 2, arbitrary: parent });
}

const arrow: fc.Arbitrary<Arrow> = fc.record({
  from: fc.nat(),
  to: fc.option(fc.nat(), { nil: undefined, freq: 6 }),
  by: fc.constantFrom('GO', 'STOP', 'FAILED.setDeviceState', 'always', 'after', 'SWITCHOVER_DECIDED', '*'),
  guard: fc.option(name, { nil: undefined }),
  actions: words,
  reenter: fc.boolean(),
});

const root: fc.Arbitrary<Tree> = fc.record({
  kind: fc.constantFrom('compound' as const, 'compound' as const, 'compound' as const, 'parallel' as const),
  entry: words,
  children: fc.array(tree(2), { minLength: 1, maxLength: 6, size: 'max' }),
});

/** Up to three levels, some 30 states and 24 transitions between any two of them. */
export const randomMachine: fc.Arbitrary<AnyStateMachine> = fc
  .tuple(root, fc.array(arrow, { maxLength: 24, size: 'max' }))
  .map(([top, arrows]) => build(top, arrows));

function build(top: Tree, arrows: readonly Arrow[]): AnyStateMachine {
  const configs: { id: string; kind: Tree['kind']; config: Record<string, unknown> }[] = [];
  const configure = (node: Tree, id: string): Record<string, unknown> => {
    const config: Record<string, unknown> = { id, entry: node.entry };
    configs.push({ id, kind: node.kind, config });
    const children = node.children.map((child, index): [string, object] => [
      `s${index}`,
      configure(child, `${id}_${index}`),
    ]);
    // Only a state with several children gets a history: it must not be the only way in.
    if (node.kind === 'compound' && children.length > 2) {
      const history = { id: `${id}_h`, type: 'history', history: 'deep', target: 's1' };
      children.push(['remembered', history]);
      configs.push({ id: `${id}_h`, kind: 'history', config: history });
    }
    if (node.kind === 'final' || node.kind === 'parallel') config.type = node.kind;
    if (node.kind === 'compound') config.initial = 's0';
    if (children.length > 0) config.states = Object.fromEntries(children);
    return config;
  };
  const config = configure(top, 'm');
  const sources = configs.filter(({ kind }) => kind !== 'final' && kind !== 'history');
  for (const { from, to, by, guard, actions, reenter } of arrows) {
    const source = sources[from % sources.length];
    const target = to === undefined ? undefined : configs[to % configs.length];
    if (source === undefined) continue;
    const transition = {
      ...(target && { target: `#${target.id}` }),
      ...(guard !== undefined && { guard }),
      actions,
      reenter,
    };
    if (by === 'always') source.config.always = [...((source.config.always as unknown[]) ?? []), transition];
    else {
      const [table, key] = by === 'after' ? ['after', 'patience'] : ['on', by];
      const entries = (source.config[table as string] ?? {}) as Record<string, unknown[]>;
      source.config[table as string] = { ...entries, [key as string]: [...(entries[key as string] ?? []), transition] };
    }
  }
  return createMachine(config as Parameters<typeof createMachine>[0]);
}
