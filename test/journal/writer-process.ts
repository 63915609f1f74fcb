/**
 * A process that writes to a journal, to be killed or raced: `writer-process.ts FILE RUN TARGET [claim]`. It appends single
 * records until the run has TARGET of them, tells each on stdout once it is durable, and tries again after a conflict. With
 * `claim` it takes the writer's place first. Ends with code 9 and the kind of the error when the journal refuses otherwise.
 */
import { JournalError } from '../../src/journal/journal-error.ts';
import { openJournal } from '../../src/journal/open.ts';
import { inputRecord, openedRecord } from './records.ts';

const [path, run, target, claim] = process.argv.slice(2) as [string, string, string, string?];

try {
  const journal = openJournal(path);
  if (claim !== undefined) journal.claim(run);
  for (let position = 0; position < Number(target); ) {
    try {
      await journal.append(run, position, [
        position === 0 ? openedRecord(run) : inputRecord(position, { to: `by/${process.pid}` }),
      ]);
      await tell(`${position}\n`);
      position++;
    } catch (error) {
      if (!(error instanceof JournalError && error.kind === 'conflict')) throw error;
      position = journal.runs().find((summary) => summary.run === run)?.records ?? 0;
    }
  }
  journal.close();
} catch (error) {
  if (!(error instanceof JournalError)) throw error;
  await tell(`${error.kind}: ${error.message}\n`);
  process.exitCode = 9;
}

function tell(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(line, (error) => (error ? reject(error) : resolve()));
  });
}
