/** The journal's header: the question of a study and what its answers depend on, so that a resumed one can tell changes. */
import { isDeepStrictEqual } from 'node:util';
import type { Nanos } from '../../common/units.js';
import { DEFAULT_MAX_ERROR_RATIO } from '../../plan/error-limit.js';
import type { JournalHeader } from '../../record/study-journal.js';
import type { StudyOptions } from './study-options.js';

export function journalHeader(options: StudyOptions, startedAt: Date, duration: Nanos): JournalHeader {
  const { model, space, objective, together } = options;
  return {
    schema: 'perf-ts/journal@1',
    model: model.name,
    startedAt: startedAt.toISOString(),
    command: options.identity.tool.command,
    seed: options.seed,
    strategy: options.strategyName,
    objective: { metric: objective.metric, direction: objective.direction },
    constraints: options.constraints.filter(({ isImplied }) => isImplied !== true).map(({ text }) => text),
    ...(options.maxErrorRatio !== undefined &&
      options.maxErrorRatio !== DEFAULT_MAX_ERROR_RATIO && { maxErrorRatio: options.maxErrorRatio }),
    budgetNs: options.budget,
    usedNs: options.usedNs ?? 0,
    levelDurationNs: duration,
    concurrency: options.concurrency ?? null,
    batchSize: model.batchSize ?? null,
    space: space.dimensions.map(({ name, values, defaultValue }) => ({ name, values, defaultValue })),
    defaultConfigPbtxt: model.configPbtxt ?? null,
    ...(together !== undefined && { models: together.map(({ model: { name }, weight }) => ({ name, weight })) }),
    ...options.fingerprint,
  };
}

/** What may differ between the parts of one study. */
const ownToEachPart = new Set([
  'schema',
  'startedAt',
  'command',
  'budgetNs',
  'usedNs',
  'levelDurationNs',
  'processId',
  'workingFolder',
]);

/** How people call a field. */
const fieldNames: Readonly<Record<string, string>> = {
  space: 'the search space',
  models: 'the models and their weights',
  modelFiles: 'the model’s files',
  defaultConfigPbtxt: 'the model’s config.pbtxt',
  engine: 'the engine',
  host: 'the host',
  objective: 'the objective',
  constraints: 'the constraints',
  maxErrorRatio: 'the limit on failed requests',
  seed: 'the seed',
  strategy: 'the strategy',
  concurrency: 'the load',
  batchSize: 'the rows of a request',
  requests: 'what requests hold',
  server: 'the server',
  pricePerHour: 'the price',
};

/** What is not as it was when the study began, as clauses; none where it can go on. */
export function findChanges(before: JournalHeader, now: JournalHeader): string[] {
  // As both look in a file.
  const current = JSON.parse(JSON.stringify(now)) as Record<string, unknown>;
  const fields = new Set([...Object.keys(before), ...Object.keys(current)]);
  return [...fields]
    .filter((field) => !ownToEachPart.has(field) && !isDeepStrictEqual(before[field], current[field]))
    .map((field) => `${fieldNames[field] ?? field} changed${describeChange(before[field], current[field])}`);
}

function describeChange(before: unknown, now: unknown): string {
  if (isPlain(before) && isPlain(now)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const changed = keys.filter((key) => !isDeepStrictEqual(before[key], now[key]));
    return ` (${changed.map((key) => `${key}${describeStep(before[key], now[key])}`).join(', ')})`;
  }
  return describeStep(before, now);
}

const LONGEST = 60;

/** From what to what, where that is short enough to read; hashes say nothing. */
function describeStep(before: unknown, now: unknown): string {
  const [from, to] = [before, now].map((value) => (typeof value === 'string' ? value : JSON.stringify(value ?? null)));
  if (from!.length + to!.length > LONGEST || [from, to].some((text) => /^[\da-f]{64}$/.test(text!))) return '';
  return ` from ${from} to ${to}`;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
