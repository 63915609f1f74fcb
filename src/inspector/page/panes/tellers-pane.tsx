/**
 * Who may tell whom what, as the charts' own tables say: a picture, or a matrix. What the current record told is lit, and
 * what has been told so far is counted.
 */
import { TellerDetails } from '../parts/teller-details.tsx';
import { TellerMatrix } from '../parts/teller-matrix.tsx';
import { TellerPicture } from '../parts/teller-picture.tsx';
import { tellerForm, useTellers } from '../teller-look.ts';

const FORMS = { picture: 'Picture', matrix: 'Matrix' } as const;

export function TellersPane() {
  const look = useTellers();
  if (look === undefined) return <section class="tellers" aria-label="Who tells whom" />;
  if (look.map.edges.length === 0) {
    return (
      <section class="tellers" aria-label="Who tells whom">
        <p class="tellers-none">This run is what somebody else's log says was seen: one chart, which tells nobody.</p>
      </section>
    );
  }
  return (
    <section class="tellers" aria-label="Who tells whom">
      <div class="tellers-drawn">
        <div class="tellers-bar" role="tablist" aria-label="Form">
          {(['picture', 'matrix'] as const).map((form) => (
            <button
              key={form}
              type="button"
              role="tab"
              aria-selected={tellerForm.value === form}
              onClick={() => {
                tellerForm.value = form;
              }}
            >
              {FORMS[form]}
            </button>
          ))}
          <span class="legend message">messages</span>
          <span class="legend command">commands to the driver</span>
          <span class="legend now">told by this record</span>
          <span class="legend idle">not told yet</span>
        </div>
        {tellerForm.value === 'picture' ? <TellerPicture look={look} /> : <TellerMatrix look={look} />}
      </div>
      <TellerDetails look={look} />
    </section>
  );
}
