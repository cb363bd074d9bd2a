import { expect, it } from 'vitest';
import type { TrialRecord } from '../../src/record/study-record.js';
import { assignmentsTable, variantAssignmentsTable } from '../../src/report/tables/assignments-table.js';
import { runTables } from '../../src/report/tables/run-tables.js';
import { rowsOf } from '../../src/report/tables/side-table.js';
import { sampleRun } from '../support/sample-records.js';

const assignment = {
  model: 'resnet18',
  version: '1',
  device: 'gpu 0',
  nodes: { cuda: 45, cpu: 4 },
  copyCount: 3,
  buildNs: 829_000_000,
};

const noMonitors = {
  serverCpuCount: null,
  serverMemoryBytes: null,
  gpus: [],
  energyPerInferenceJoules: null,
  serverMetrics: null,
};

const sampleTrial: TrialRecord = {
  id: 'default',
  variantId: 'default',
  phase: 'search',
  state: 'complete',
  parameters: {},
  score: 1,
  durationNs: 1,
  loadTimeNs: null,
  reason: null,
  level: null,
};

it('a report has a row for each provider that ran nodes, with its share and the copies between devices', () => {
  expect(rowsOf(assignmentsTable([assignment])!)).toEqual([
    ['resnet18', 'gpu 0', 'cuda', '45', '92 %', '3', '829'],
    ['resnet18', 'gpu 0', 'cpu', '4', '8.2 %', '3', '829'],
  ]);
});

it('a run has the table only where other providers than the CPU’s own were asked for', () => {
  const idsOf = (assignments?: (typeof assignment)[]): string[] =>
    runTables({ ...sampleRun, ...(assignments && { assignments }) }).map(({ id }) => id);
  expect(idsOf([assignment])).toContain('assignments');
  expect(idsOf()).not.toContain('assignments');
  expect(idsOf([])).not.toContain('assignments');
});

it('a sweep has it for each variant that asked for another provider, once', () => {
  const level = { ...sampleRun.levels[0]!, monitors: { ...noMonitors, assignments: [assignment] } };
  const trial = { ...sampleTrial, variantId: 'v-1', level };
  const table = variantAssignmentsTable([{ ...sampleTrial, level: sampleRun.levels[0]! }, trial, trial]);
  expect(rowsOf(table!).map(([variant, , provider]) => [variant, provider])).toEqual([
    ['v-1', 'cuda'],
    ['v-1', 'cpu'],
  ]);
  expect(variantAssignmentsTable([sampleTrial])).toBeUndefined();
});
