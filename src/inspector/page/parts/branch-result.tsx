/** What came of a branch: its figures beside its parent's, and where to look at it. */
import type { BranchFigure } from '../../page-data.ts';
import { branchCommandLine } from '../branch-wish.ts';
import { moment } from '../format.ts';
import type { MadeBranch } from '../made-branches.ts';
import { useStore } from '../store.ts';
import { CommandLine } from './command-line.tsx';

/** `source`: the file of the parent's journal; undefined for one that is in memory only. */
export function BranchResult({ made, source }: { readonly made: MadeBranch; readonly source: string | undefined }) {
  const store = useStore();
  const { branch, position, set } = made;
  const parent = store.runs.value.find(({ header }) => header.id === made.parent)?.header;
  const isBeside = store.beside.value === branch.run.id;
  return (
    <section class="branch-result" aria-label="The branch" data-branch={branch.run.id}>
      <h3>
        {Object.entries(set)
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')}
      </h3>
      <p class="soft">
        {branch.run.run}: after record {position}, at {moment(made.atNs)}
      </p>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">run</th>
            <th scope="col">branch</th>
            <th scope="col">change</th>
          </tr>
        </thead>
        <tbody>
          {branch.figures.map((figure) => (
            <FigureRow key={figure.name} figure={figure} />
          ))}
        </tbody>
      </table>
      <p>{branch.sentence}</p>
      <div class="what-if-go">
        <button
          type="button"
          aria-pressed={isBeside}
          onClick={() => {
            store.beside.value = isBeside ? undefined : branch.run.id;
          }}
        >
          {isBeside ? 'Shown beside' : 'Show it beside'}
        </button>
        <button
          type="button"
          title="Look at the branch itself; what it leaves stays beside it"
          onClick={() => store.showRun(branch.run.id)}
        >
          Go into the branch
        </button>
      </div>
      {source !== undefined && parent !== undefined && (
        <CommandLine
          label="Keep it in a journal"
          text={branchCommandLine({ source, run: parent.run, position, set, journal: 'branches.db' })}
        />
      )}
    </section>
  );
}

function FigureRow({ figure: { name, parent, branch, change, better } }: { readonly figure: BranchFigure }) {
  const looks = better === undefined ? undefined : better === 'branch' ? 'better' : 'worse';
  return (
    <tr data-figure={name}>
      <th scope="row">{name}</th>
      <td>{parent}</td>
      <td class={looks}>{branch}</td>
      <td class={looks} title={looks}>
        {change}
        {looks === 'better' && ' ✓'}
      </td>
    </tr>
  );
}
