/** Time: transport, scrubber, and under them lanes, plots or the memory map on the same axis. */
import { DOCKS, type Dock, useStore } from '../store.ts';
import { DockEdge, dockPx } from './dock-height.tsx';
import { LanesDock } from './lanes-dock.tsx';
import { MemoryDock } from './memory-dock.tsx';
import { PlotsDock } from './plots-dock.tsx';
import { Scrubber } from './scrubber.tsx';
import { Transport } from './transport.tsx';

const NAMES: Readonly<Record<Dock, string>> = { lanes: 'Lanes', plots: 'Plots', memory: 'Memory' };

export function DockPane() {
  const { dock } = useStore();
  return (
    <section
      class="dock"
      aria-label="Time"
      style={dockPx.value === undefined ? {} : { height: `min(${dockPx.value}px, 75vh)` }}
    >
      <DockEdge />
      <div class="dock-bar">
        <Transport />
        <span class="room" />
        <div class="docks" role="tablist" aria-label="What is drawn over time">
          {DOCKS.map((one) => (
            <button
              key={one}
              type="button"
              role="tab"
              aria-selected={dock.value === one}
              onClick={() => {
                dock.value = one;
              }}
            >
              {NAMES[one]}
            </button>
          ))}
        </div>
      </div>
      <Scrubber />
      <div class="dock-body">
        {dock.value === 'lanes' ? <LanesDock /> : dock.value === 'plots' ? <PlotsDock /> : <MemoryDock />}
      </div>
    </section>
  );
}
