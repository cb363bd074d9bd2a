/** The tables of a run's report beside that of its levels, in reading order. */
import type { RunRecord } from '../../record/run-record.js';
import { sortByLoad } from '../load-axis.js';
import { assignmentsTable } from './assignments-table.js';
import { clientsTable } from './clients-table.js';
import { metricsTable } from './metrics-table.js';
import { modelsTable } from './models-table.js';
import { partsTable } from './parts-table.js';
import { peakTable } from './peak-table.js';
import { resourcesTable } from './resources-table.js';
import type { SideTable } from './side-table.js';

/** Only tables that the record has something for. */
export function runTables(record: RunRecord): SideTable[] {
  const levels = sortByLoad(record.levels);
  return [
    record.peak === undefined ? undefined : peakTable(record.peak),
    modelsTable(levels),
    partsTable(levels),
    resourcesTable(levels),
    assignmentsTable(record.assignments ?? []),
    metricsTable(levels),
    record.clientComparison === undefined ? undefined : clientsTable(record.clientComparison),
  ].filter((table) => table !== undefined);
}
