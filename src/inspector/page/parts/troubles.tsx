/** What is broken in what is shown: damage of the journal, a fold that came to something else, charts of another version. */
import { useStore } from '../store.ts';

export function Troubles() {
  const { runs, shown, beside, session } = useStore();
  const ofRuns = runs.value
    .filter(({ header }) => header.id === shown.value || header.id === beside.value)
    .flatMap(({ header, trouble, course }) => {
      const broken = course.value?.broken;
      return [
        ...(trouble.value === undefined ? [] : [`${header.run}: ${trouble.value}`]),
        ...(broken === undefined
          ? []
          : [`${header.run}: record ${broken.position} cannot be shown, nor what follows: ${broken.because}`]),
      ];
    });
  const lines = [...(session.value?.notice === undefined ? [] : [session.value.notice]), ...ofRuns];
  if (lines.length === 0) return null;
  return (
    <div class="troubles" role="alert">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
