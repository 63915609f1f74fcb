/** The keys, from the table that binds them. */
import { KEY_BINDINGS } from '../keys.ts';
import { useStore } from '../store.ts';

export function Help() {
  const { helpOpen } = useStore();
  if (!helpOpen.value) return null;
  return (
    <div class="overlay" role="dialog" aria-label="Keys">
      <h2>Keys</h2>
      <dl class="keys">
        {KEY_BINDINGS.map(({ label, does }) => (
          <div key={label}>
            <dt>
              <kbd>{label}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button
        type="button"
        onClick={() => {
          helpOpen.value = false;
        }}
      >
        Close
      </button>
    </div>
  );
}
