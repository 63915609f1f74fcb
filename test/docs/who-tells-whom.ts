/**
 * Who tells whom, as a Markdown table: read from the routes of the actions that each chart really uses, so that it cannot
 * say anything else than the charts do.
 */
import type { AnyStateMachine } from 'xstate';
import { chartsFor, machines, managers, type OutputRoute, policies } from '../../machines/index.ts';
import { type ChartState, chartGraph } from '../../src/inspector/chart/index.ts';

const HEAD = ['chart', 'address', 'tells', 'asks a driver for', 'announces'] as const;

export function whoTellsWhom(): string {
  const rows = Object.entries(machines).map(([name, machine]) => [
    `\`${name}\``,
    list(kindsOf(machine).map((kind) => `\`${kind}\``)),
    ...columns(routesOf(machine)),
  ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The routes of every action that occurs in the chart, in the order in which its table has them. */
function routesOf(machine: AnyStateMachine): readonly OutputRoute[] {
  const { root, transitions } = chartGraph(machine);
  const used = new Set([
    ...transitions.flatMap(({ actions }) => actions.map(({ name }) => name)),
    ...everyState(root).flatMap(({ entry, exit, initial }) =>
      [...entry, ...exit, ...(initial?.actions ?? [])].map(({ name }) => name),
    ),
  ]);
  return Object.entries(machine.implementations.actions).flatMap(([name, action]) => {
    const { route } = action as { readonly route?: OutputRoute };
    return route === undefined || !used.has(name) ? [] : [route];
  });
}

function everyState(state: ChartState): readonly ChartState[] {
  return [state, ...state.children.flatMap(everyState)];
}

function columns(routes: readonly OutputRoute[]): readonly string[] {
  const messages = new Map<string, Set<string>>();
  for (const route of routes) {
    if (route.kind !== 'message') continue;
    for (const to of route.to) messages.set(to, (messages.get(to) ?? new Set()).add(route.type));
  }
  const tells = [...messages].map(([to, types]) => `\`${to}\`: ${[...types].join(', ')}`);
  const asks = routes.flatMap((route) => (route.kind === 'command' ? [route.name] : []));
  const facts = routes.flatMap((route) => (route.kind === 'fact' ? [route.type] : []));
  return [tells.join('<br>'), list(asks), list(facts)];
}

function list(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}

/** The address, or kind of address, under which a chart runs. */
function kindsOf(machine: AnyStateMachine): readonly string[] {
  const sets = [
    ...Object.keys(policies).map((policy) => chartsFor(policy)),
    ...Object.keys(managers).map((manager) => chartsFor('qemu', manager)),
  ];
  const kinds = sets.flatMap((charts) =>
    Object.entries(charts).flatMap(([kind, chart]) => (chart === machine ? [kind] : [])),
  );
  return [...new Set(kinds)];
}
