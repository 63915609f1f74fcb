/** Who tells whom as a matrix: rows tell columns. A number is how often so far; a dot, that it may and has not. */
import type { TellerEdge } from '../../view/tellers.ts';
import { count } from '../format.ts';
import { countOf, pairOf, pickedTeller, type TellerLook } from '../teller-look.ts';

export function TellerMatrix({ look }: { readonly look: TellerLook }) {
  const kinds = look.map.layers.flat();
  const tellers = kinds.filter((kind) => look.map.edges.some(({ from }) => from === kind));
  return (
    <div class="teller-matrix">
      <table>
        <thead>
          <tr>
            <td class="corner">tells ↓ whom →</td>
            {kinds.map((kind) => (
              <th key={kind} scope="col">
                <span>{kind}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tellers.map((from) => (
            <tr key={from}>
              <th scope="row">{from}</th>
              {kinds.map((to) => (
                <Cell key={to} from={from} to={to} look={look} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ from, to, look }: { readonly from: string; readonly to: string; readonly look: TellerLook }) {
  const edges = look.map.edges.filter((edge) => edge.from === from && edge.to === to);
  if (edges.length === 0) return <td class={from === to ? 'self' : undefined} />;
  const said = edges.filter(({ how }) => how === 'message' || how === 'command');
  const times = countOf(look.soFar, { from, to });
  const picked = pickedTeller.value;
  const looks = [
    edges.some(({ how }) => how === 'command') ? 'command' : 'message',
    look.now.has(pairOf({ from, to })) ? 'now' : '',
    said.length === 0 || times === 0 ? 'idle' : '',
  ];
  return (
    <td class={looks.filter((one) => one !== '').join(' ')}>
      <button
        type="button"
        data-tie={pairOf({ from, to })}
        aria-pressed={picked?.from === from && picked.to === to}
        aria-label={`${from} ${edges.map(wordsOf).join(', ')} ${to}: ${times} times so far`}
        title={edges.map(wordsOf).join('\n')}
        onClick={() => {
          pickedTeller.value = { from, to };
        }}
      >
        {said.length === 0 ? '○' : times === 0 ? '·' : count(times)}
      </button>
    </td>
  );
}

function wordsOf({ how, types }: TellerEdge): string {
  switch (how) {
    case 'message':
      return `tells ${types.join(', ')}`;
    case 'command':
      return `commands ${types.join(', ')}`;
    case 'opens':
    case 'closes':
      return how;
    default:
      return how satisfies never;
  }
}
