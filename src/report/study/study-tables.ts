/** The tables of a sweep's report beside its ranking, in reading order. */
import type { StudyRecord } from '../../record/study-record.js';
import { variantAssignmentsTable } from '../tables/assignments-table.js';
import type { SideTable } from '../tables/side-table.js';
import { accuracyTable } from './accuracy-table.js';
import { budgetTable } from './budget-table.js';
import { confirmationTable } from './confirmation-table.js';
import { failuresTable } from './failures-table.js';
import { knobsTable } from './knobs-table.js';
import { modelsTable } from './models-table.js';
import { paretoTable } from './pareto-view.js';
import { sideBySideTable } from './side-by-side-table.js';

/** Only tables that the record has something for. */
export const studyTables = (record: StudyRecord): SideTable[] =>
  [
    sideBySideTable(record),
    modelsTable(record),
    confirmationTable(record),
    paretoTable(record),
    knobsTable(record),
    accuracyTable(record),
    variantAssignmentsTable(record.trials),
    failuresTable(record),
    budgetTable(record),
  ].filter((table) => table !== undefined);
