import { MemoryJournal, MemoryRuns } from '../../src/journal/memory-journal.ts';
import { conformsToJournal } from './conformance.ts';

conformsToJournal(() => {
  const runs = new MemoryRuns();
  return { open: () => new MemoryJournal(runs), remove: () => {} };
});
