/** Says of a level whose requests the model refused for their generated values which ones those are, and what to give instead. */
import type { ModelLoad } from '../plan/load-plan.js';
import { explainRefusedValues } from '../plan/refused-values.js';
import type { LevelRecord } from '../record/run-record.js';

/** The level with a warning before all others; as it is where its errors are about something else. */
export function withRefusedValues(level: LevelRecord, models: readonly ModelLoad[]): LevelRecord {
  for (const cause of Object.keys(level.errors)) {
    for (const model of models) {
      const problem = explainRefusedValues(cause, model);
      if (problem === undefined) continue;
      const message = `${problem.what}; ${problem.hint ?? ''}`;
      return { ...level, warnings: [{ code: 'VALUES_REFUSED', message }, ...level.warnings] };
    }
  }
  return level;
}
