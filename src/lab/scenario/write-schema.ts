/** Writes `src/lab/scenario.schema.json`; run it after every change of the schema. */
import { writeScenarioSchema } from './json-schema.ts';

writeScenarioSchema();
