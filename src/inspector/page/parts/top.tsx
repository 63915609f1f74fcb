/** The head of the page: which run, which is beside it, what the middle shows, and the switches. */
import { nameOf, useStore, VIEWS, type View } from '../store.ts';
import { nextTheme, theme } from '../theme.ts';

const VIEW_NAMES: Readonly<Record<View, string>> = {
  chart: 'Charts',
  records: 'Records',
  messages: 'Messages',
  tellers: 'Who tells whom',
  gallery: 'Gallery',
};

export function Top() {
  const store = useStore();
  const { run, view, session, whatIfOpen, helpOpen } = store;
  const hasGallery = (session.value?.machines.length ?? 0) > 0;
  const views = VIEWS.filter((one) => (one === 'gallery' ? hasGallery : run.value !== undefined));
  const header = run.value?.header;
  return (
    <header class="top">
      <strong class="brand">Switchover</strong>
      <RunChoice />
      <nav class="views" aria-label="Views">
        {views.map((one) => (
          <button
            key={one}
            type="button"
            class="view"
            aria-pressed={view.value === one}
            onClick={() => {
              view.value = one;
            }}
          >
            {VIEW_NAMES[one]}
          </button>
        ))}
      </nav>
      <span class="room" />
      {header !== undefined && (
        <button
          type="button"
          aria-expanded={whatIfOpen.value}
          onClick={() => {
            whatIfOpen.value = !whatIfOpen.value;
          }}
        >
          What if …
        </button>
      )}
      <button type="button" title="Light, dark, or as the system has it (t)" onClick={nextTheme}>
        {theme.value === 'system' ? 'Auto' : theme.value === 'light' ? 'Light' : 'Dark'}
      </button>
      <button
        type="button"
        title="Keys (?)"
        aria-label="Help: keys"
        onClick={() => {
          helpOpen.value = !helpOpen.value;
        }}
      >
        ?
      </button>
    </header>
  );
}

function RunChoice() {
  const store = useStore();
  const { runs, shown, beside } = store;
  if (runs.value.length === 0) return null;
  if (runs.value.length === 1) {
    const header = runs.value[0]?.header;
    return (
      <span class="run-name" title={header?.source}>
        {header?.run}
      </span>
    );
  }
  return (
    <span class="run-choice">
      <label>
        Run
        <select value={shown.value} onChange={({ currentTarget }) => store.showRun(currentTarget.value)}>
          {runs.value.map(({ header }) => (
            <option key={header.id} value={header.id}>
              {nameOf(header, runs.value)}
            </option>
          ))}
        </select>
      </label>
      <label>
        beside
        <select
          value={beside.value ?? ''}
          onChange={({ currentTarget }) => {
            beside.value = currentTarget.value || undefined;
          }}
        >
          <option value="">none</option>
          {runs.value
            .filter(({ header }) => header.id !== shown.value)
            .map(({ header }) => (
              <option key={header.id} value={header.id}>
                {nameOf(header, runs.value)}
              </option>
            ))}
        </select>
      </label>
    </span>
  );
}
