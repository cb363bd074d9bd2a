/**
 * A journal whose faults do not end the study: what could not be written waits for the next write, so that the journal on
 * disk is always the study's beginning without a gap, and the study goes on in memory.
 */
import type { KeptWrites } from '../../common/kept-writes.js';
import type { StudyJournal } from './study-options.js';

export function keepJournal(journal: StudyJournal, writes: KeptWrites): StudyJournal & { flush(): Promise<void> } {
  const waiting: (() => Promise<void>)[] = [];
  const flush = async (): Promise<void> => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (!(await writes.attempt(next))) return;
      waiting.shift();
    }
  };
  return {
    flush,
    // Before the first trial there is nothing to lose, and a study without a journal had better not begin.
    startJournal: (header) => journal.startJournal(header),
    async appendTrial(trial) {
      waiting.push(() => journal.appendTrial(trial));
      await flush();
    },
    async saveVariant(id, configPbtxt, model) {
      await writes.attempt(() => journal.saveVariant(id, configPbtxt, model));
    },
  };
}
