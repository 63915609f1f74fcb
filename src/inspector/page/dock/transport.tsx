/** Play, pause, step and speed. */
import { SPEEDS, useStore } from '../store.ts';
import { Icon } from './icons.tsx';
import { usePlaying } from './playing.ts';

export function Transport() {
  const store = useStore();
  const { playing, speed, following, run } = store;
  usePlaying(store);
  const isLive = run.value?.header.state === 'live' && !run.value.isWhole.value;
  return (
    <div class="transport">
      <button type="button" aria-label="First record" title="First record (Home)" onClick={() => store.seek(0)}>
        <Icon name="first" />
      </button>
      <button type="button" aria-label="Record before" title="Record before (←)" onClick={() => store.stepBy(-1)}>
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="play"
        aria-label={playing.value ? 'Pause' : 'Play'}
        title="Play or pause (space)"
        onClick={() => {
          playing.value = !playing.value;
        }}
      >
        <Icon name={playing.value ? 'pause' : 'play'} />
      </button>
      <button type="button" aria-label="Next record" title="Next record (→)" onClick={() => store.stepBy(1)}>
        <Icon name="next" />
      </button>
      <button
        type="button"
        aria-label="Last record"
        title="Last record (End)"
        onClick={() => store.seek(Number.MAX_SAFE_INTEGER)}
      >
        <Icon name="last" />
      </button>
      <label class="speed" title="Seconds of the run in a second (, and .)">
        speed
        <select
          value={String(speed.value)}
          onChange={({ currentTarget }) => {
            speed.value = Number(currentTarget.value);
          }}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={String(one)}>
              {one}×
            </option>
          ))}
        </select>
      </label>
      <Zoom />
      {isLive && (
        <button
          type="button"
          class="live"
          aria-pressed={following.value}
          onClick={() => {
            following.value = true;
            store.playing.value = false;
          }}
        >
          ● live
        </button>
      )}
    </div>
  );
}

function Zoom() {
  const store = useStore();
  const { zoom, run, runBeside } = store;
  const hasSwitchover = [run.value, runBeside.value].some((state) =>
    state?.course.value?.lanes.some(({ group }) => group === 'downtime'),
  );
  return (
    <span class="zoom-buttons">
      <button
        type="button"
        title="From the moment the guest stops until it runs again (z)"
        disabled={!hasSwitchover}
        onClick={() => store.zoomToSwitchover()}
      >
        Switchover
      </button>
      <button
        type="button"
        title="The whole run (0)"
        disabled={zoom.value === undefined}
        onClick={() => {
          zoom.value = undefined;
        }}
      >
        Whole run
      </button>
    </span>
  );
}
