/**
 * A configuration file of Model Analyzer, read as a sweep file: its keys are mapped where they mean something here,
 * and told where they do not. What is plainly wrong is a fault, as in any sweep file.
 */
import { closestWord } from '../../common/closest-word.js';
import type { Constraint } from '../objectives/constraint.js';
import {
  combineObjectives,
  type Objective,
  objectiveNames,
  parseObjective,
  type WeightedObjective,
} from '../objectives/objective.js';

import type { StrategyName } from '../strategies/strategy-table.js';
import type { FilePlace, SweepFile, SweptModel } from '../sweep-files/sweep-file.js';
import { readClientFlags } from './client-flags.js';
import {
  createCollector,
  isMessage,
  type KnobCollector,
  type Message,
  mapConfigParameters,
  numbersOf,
  scalarsOf,
} from './config-parameters.js';
import { isKnownKey, knownKeys, meaninglessKeys, modelKeys } from './file-keys.js';
import { findNamedMetric, isUnmeasured } from './metric-names.js';
import { describeUnknown, readConstraints, readShortLimits } from './read-limits.js';

type Path = readonly PropertyKey[];

export interface ModelAnalyzerSweep {
  readonly sweep: Omit<SweepFile, 'notes'>;
  readonly faults: readonly FilePlace[];
  readonly notes: readonly FilePlace[];
}

/** Told by keys that no sweep file of ours has. */
export const isModelAnalyzerFile = (content: unknown): content is Message =>
  isMessage(content) &&
  (content.profile_models !== undefined ||
    Object.keys(content).some((key) => key.startsWith('run_config_search_') || key === 'triton_launch_mode'));

const modes: Readonly<Record<string, StrategyName>> = { brute: 'exhaustive', quick: 'quick', optuna: 'forest' };

interface Reading {
  readonly faults: FilePlace[];
  readonly notes: FilePlace[];
}

export function readModelAnalyzerFile(content: Message): ModelAnalyzerSweep {
  const reading: Reading = { faults: [], notes: [] };
  for (const key of Object.keys(content)) tellKey(key, reading);
  const entries = readModels(content.profile_models, reading);
  const models = entries.map((entry) => readModel(entry, content, reading));
  const tunesTogether = content.run_config_profile_models_concurrently_enable === true && entries.length > 1;
  const [first] = entries;
  const scoped = (key: string, entry = first): readonly [unknown, Path] =>
    entry?.fields[key] !== undefined ? [entry.fields[key], [...entry.path, key]] : [content[key], [key]];
  const several = tunesTogether ? entries : entries.slice(0, 1);
  if (tunesTogether) tellUnused(entries, ['objectives'], reading);
  const levels = (several.length === 0 ? [undefined] : several).map((entry) =>
    readConcurrency(...scoped('parameters', entry), content, reading),
  );
  const limitsOf = (entry: ModelEntry | undefined): Constraint[] =>
    readConstraints(...scoped('constraints', entry), reading.faults);
  const objectiveOf = (entry: ModelEntry | undefined): Objective | undefined =>
    readObjectives(...scoped('objectives', entry), reading);
  const areApart = entries.length > 1 && !tunesTogether;
  // Models that are studies of their own keep what is asked of each.
  const own = areApart ? entries.map((entry) => ({ constraints: limitsOf(entry), objective: objectiveOf(entry) })) : [];
  const limits = areApart ? [] : (several.length === 0 ? [undefined] : several).flatMap(limitsOf);
  if (tunesTogether) tellTogether(entries, levels, reading);
  const sweep = {
    strategy: readMode(content, reading),
    objective: areApart ? undefined : objectiveOf(first),
    constraints: [...withoutRepeats(limits), ...readShortLimits(content, reading.faults)],
    pricePerHour: undefined,
    budget: undefined,
    seed: undefined,
    // Each model has a client of its own there, and all share one here.
    concurrency: levels.every((level) => level.length === 1) ? levels.flat().reduce((a, b) => a + b, 0) : undefined,
    batchSize: undefined,
    runtimes: undefined,
    models: entries.length > 1 ? models.map((model, index) => withOwn(model, own[index])) : models,
    tunesTogether,
    knobs: entries.length > 1 ? undefined : models[0]?.knobs,
  };
  return { sweep, faults: withoutRepeatedNotes(reading.faults), notes: withoutRepeatedNotes(reading.notes) };
}

/** What one of several does not list is not to be taken from another. */
const withOwn = (model: SweptModel, own: Pick<SweptModel, 'constraints' | 'objective'> | undefined): SweptModel => ({
  ...model,
  ...own,
  constraints: [...(model.constraints ?? []), ...(own?.constraints ?? [])],
  knobs: model.knobs ?? {},
});

const withoutRepeats = (limits: readonly Constraint[]): Constraint[] =>
  limits.filter(({ text }, index) => limits.findIndex((other) => other.text === text) === index);

/** What holds for all models is read once for each. */
const withoutRepeatedNotes = (notes: readonly FilePlace[]): FilePlace[] => {
  const keyOf = ({ path, what }: FilePlace): string => `${path.map(String).join('.')}: ${what}`;
  return [...new Map(notes.map((note) => [keyOf(note), note])).values()];
};

/** Models that are tuned together have one objective. */
function tellUnused(entries: readonly ModelEntry[], keys: readonly string[], { notes }: Reading): void {
  const [first, ...others] = entries;
  for (const { fields, path } of others) {
    for (const key of keys.filter((name) => fields[name] !== undefined)) {
      const what = `is not used: models that are tuned together have one list of ${key}, here that of ${first!.name} or of the whole file`;
      notes.push({ path: [...path, key], what });
    }
  }
}

/** What means something else where one client loads all models. */
function tellTogether(entries: readonly ModelEntry[], levels: readonly number[][], { notes }: Reading): void {
  for (const { fields, path } of entries) {
    if (fields.constraints === undefined) continue;
    const what = 'hold for every model here: limits on latency and errors for each, all others for what they share';
    notes.push({ path: [...path, 'constraints'], what });
  }
  if (levels.some((level) => level.length > 0)) {
    const what = 'the models share the requests in flight here, by their weights';
    notes.push({ path: ['profile_models'], what });
  }
}

function tellKey(key: string, { faults, notes }: Reading): void {
  const why = meaninglessKeys[key];
  if (why !== undefined) notes.push({ path: [key], what: why });
  else if (!isKnownKey(key)) {
    const guess = closestWord(key, knownKeys);
    const hint = guess === undefined ? {} : { hint: `did you mean '${guess}'?` };
    faults.push({ path: [key], what: 'is not a key of Model Analyzer', ...hint });
  }
}

interface ModelEntry {
  readonly name: string;
  readonly fields: Message;
  readonly path: Path;
}

/** A name, names with commas, a list of names or of {name: fields}, or {name: fields}. */
function readModels(value: unknown, reading: Reading): ModelEntry[] {
  const read = (part: unknown, path: Path): ModelEntry[] => {
    if (typeof part === 'string') {
      const names = part.split(',').map((name) => name.trim());
      return names.filter((name) => name !== '').map((name) => ({ name, fields: {}, path }));
    }
    if (Array.isArray(part)) return part.flatMap((entry, index) => read(entry, [...path, index]));
    if (!isMessage(part)) {
      reading.faults.push({ path, what: 'must be the name of a model, or names with what to do with each' });
      return [];
    }
    return Object.entries(part).map(([name, fields]) => ({
      name,
      fields: isMessage(fields) ? fields : {},
      path: [...path, name],
    }));
  };
  if (value === undefined) return [];
  const entries = read(value, ['profile_models']);
  for (const { fields, path } of entries) {
    for (const key of Object.keys(fields)) {
      if (modelKeys.includes(key)) continue;
      const guess = closestWord(key, modelKeys);
      const hint = guess === undefined ? {} : { hint: `did you mean '${guess}'?` };
      reading.faults.push({ path: [...path, key], what: 'is not something a model has in Model Analyzer', ...hint });
    }
  }
  return entries;
}

function readModel({ name, fields, path }: ModelEntry, content: Message, reading: Reading): SweptModel {
  const collector = createCollector((at, what) => reading.notes.push({ path: at, what }));
  const given = fields.model_config_parameters;
  if (given !== undefined) mapConfigParameters(given, [...path, 'model_config_parameters'], collector);
  else if (content.run_config_search_disable !== true) addSearchedKnobs(content, collector);
  addServerFlags(
    fields.triton_server_flags ?? content.triton_server_flags,
    [...path, 'triton_server_flags'],
    collector,
  );
  addLoad(fields.parameters ?? content, collector);
  const { constraints, ...requests } = readClientFlags(
    fields.perf_analyzer_flags ?? content.perf_analyzer_flags,
    [...(fields.perf_analyzer_flags === undefined ? [] : path), 'perf_analyzer_flags'],
    reading,
  );
  const weight = numbersOf(fields.weighting)[0] ?? 1;
  const selection = collector.selection();
  const knobs = Object.keys(selection).length === 0 ? undefined : selection;
  return { name, weight, knobs, optionalKnobs: given === undefined ? searchedKnobs : [], constraints, requests };
}

const searchedKnobs: readonly string[] = ['instance_count', 'dynamic_batching', 'max_batch_size'];

/** What Model Analyzer searches when it is told no parameters: instances by one, batches by doubling, the batcher on. */
function addSearchedKnobs(content: Message, collector: KnobCollector): void {
  const bound = (name: string, fallback: number): number =>
    numbersOf(content[`run_config_search_${name}`])[0] ?? fallback;
  const [fewest, most] = [bound('min_instance_count', 1), bound('max_instance_count', 5)];
  const [least, largest] = [bound('min_model_batch_size', 1), bound('max_model_batch_size', 128)];
  const instances = Array.from({ length: Math.max(0, most - fewest + 1) }, (_, index) => fewest + index);
  const sizes: number[] = [];
  for (let size = Math.max(1, least); size <= largest; size *= 2) sizes.push(size);
  collector.add('instance_count', instances);
  collector.add('dynamic_batching', [true]);
  collector.add('max_batch_size', sizes);
}

const serverKnobs: Readonly<Record<string, string>> = {
  'pinned-memory-pool-byte-size': 'pinned_memory_pool_bytes',
  'cuda-memory-pool-byte-size': 'cuda_memory_pool_bytes',
};

function addServerFlags(value: unknown, path: Path, collector: KnobCollector): void {
  if (!isMessage(value)) return;
  for (const [flag, setting] of Object.entries(value)) {
    const knob = serverKnobs[flag.replaceAll('_', '-')];
    // A pool of a GPU is written as GPU:BYTES.
    const sizes = numbersOf(scalarsOf(setting).map((entry) => String(entry).replace(/^\d+:/, '')));
    if (knob === undefined) collector.note([...path, flag], 'this server flag is no knob here');
    else collector.add(knob, sizes);
  }
}

function addLoad(value: unknown, collector: KnobCollector): void {
  if (!isMessage(value)) return;
  const sizes = numbersOf(listOf(value.batch_sizes));
  if (sizes.some((size) => size > 1)) collector.add('client_batch_size', sizes);
  const levels = numbersOf(listOf(value.concurrency));
  if (levels.length > 1) collector.add('client_concurrency', levels);
}

/** A list, `1,2,3`, or {start, stop, step}. */
function listOf(value: unknown): unknown {
  if (typeof value === 'string') return value.split(',').map((text) => text.trim());
  if (!isMessage(value)) return value;
  const [start = 1] = numbersOf(value.start);
  const [stop = start] = numbersOf(value.stop);
  const [step = 1] = numbersOf(value.step);
  const values: number[] = [];
  for (let next = start; step > 0 && next <= stop && values.length < 1024; next += step) values.push(next);
  return values;
}

/** The levels asked for; a single one holds for every variant. */
function readConcurrency(parameters: unknown, path: Path, content: Message, reading: Reading): number[] {
  const given = isMessage(parameters) ? (parameters.concurrency ?? content.concurrency) : content.concurrency;
  const rates = isMessage(parameters) ? (parameters.request_rate ?? content.request_rate) : content.request_rate;
  if (rates !== undefined) {
    reading.notes.push({ path, what: 'a request rate is not tuned: variants are measured with requests in flight' });
  }
  return given === undefined ? [] : numbersOf(listOf(given));
}

function readMode(content: Message, { faults }: Reading): StrategyName | undefined {
  const mode = content.run_config_search_mode;
  if (mode === undefined) return undefined;
  const strategy = modes[String(mode)];
  if (strategy === undefined) {
    faults.push({
      path: ['run_config_search_mode'],
      what: `must be ${Object.keys(modes).join(', ')}, not '${String(mode)}'`,
    });
  }
  return strategy;
}

function readObjectives(value: unknown, path: Path, { faults, notes }: Reading): Objective | undefined {
  if (value === undefined) return undefined;
  const weights: (readonly [name: string, weight: number, at: Path])[] = isMessage(value)
    ? Object.entries(value).map(([name, weight]) => [name, numbersOf(weight)[0] ?? 1, [...path, name]])
    : scalarsOf(value).map((name, index) => [String(name), 1, [...path, index]]);
  const parts = weights.flatMap(([name, weight, at]): WeightedObjective[] => {
    const named = findNamedMetric(name);
    if (named === undefined) {
      if (isUnmeasured(name)) notes.push({ path: at, what: `'${name}' is not measured here` });
      else faults.push({ path: at, ...describeUnknown(name) });
      return [];
    }
    const names: readonly string[] = objectiveNames;
    if (names.includes(named.metric)) return [{ objective: parseObjective(named.metric), weight }];
    notes.push({ path: at, what: `${named.metric} is a limit here, not an objective` });
    return [];
  });
  if (parts.length === 0 && weights.length > 0 && faults.length === 0)
    faults.push({ path, what: 'has nothing that is measured here', hint: `${objectiveNames.join(', ')} are` });
  return parts.length === 0 ? undefined : combineObjectives(parts);
}
