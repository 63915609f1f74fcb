/** Lines of a log of QMP, one JSON object each, with the number of the line for messages. */
import { type ImportFile, isMapping, type Mapping, refuse, shownValue } from './imported.ts';

export interface QmpLine {
  readonly line: number;
  readonly value: Mapping;
}

/** Throws a ScenarioError for a line that is no JSON object. */
export function qmpLines(file: ImportFile): readonly QmpLine[] {
  return file.text.split('\n').flatMap((text, index) => {
    if (text.trim() === '') return [];
    const value = jsonOf(text);
    if (isMapping(value)) return [{ line: index + 1, value }];
    return refuse(
      file,
      index + 1,
      '',
      'a JSON object a line',
      '{"event": "MIGRATION_PASS", ...}',
      shownValue(text.trim()),
    );
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
