/**
 * Sweep files: a YAML file that says what to tune, for which objective, within which limits and time. Everything that
 * is wrong with one is reported together, each problem with `file:line`. A file of Model Analyzer is read too.
 */
import { type Document, isNode, isPair, visit } from 'yaml';
import type { z } from 'zod';
import { closestWord } from '../../common/closest-word.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { readTextFile } from '../../common/text-file.js';
import type { Nanos } from '../../common/units.js';
import { parseYaml } from '../../common/yaml-text.js';
import type { InputChoice } from '../../plan/input-data/input-choice.js';
import type { ShapeOption } from '../../plan/parse-load-options.js';
import { isModelAnalyzerFile, readModelAnalyzerFile } from '../model-analyzer/read-file.js';
import { type Constraint, findContradictions } from '../objectives/constraint.js';
import { combineObjectives, type Objective } from '../objectives/objective.js';
import type { StrategyName } from '../strategies/strategy-table.js';
import type { KnobSelection } from '../variants/search-space.js';
import { knobNames, type SweepContent, sweepSchema } from './sweep-schema.js';

/** One of several models that share the host. */
export interface SweptModel {
  readonly name: string;
  /** Share of the requests; only ratios matter. */
  readonly weight: number;
  /** Instead of the file's. */
  readonly knobs: KnobSelection | undefined;
  /** Those of them that nobody named: where the model has no use for one, it is left out with a note. */
  readonly optionalKnobs?: readonly string[];
  /** Beside the file's, and instead of it, where the model is a study of its own. */
  readonly constraints?: readonly Constraint[];
  readonly objective?: Objective | undefined;
  /** What requests hold, where the file says it. */
  readonly requests?: FileRequests | undefined;
}

/** What a file says of the requests; the command line goes before it. */
export interface FileRequests {
  readonly shapes: readonly ShapeOption[];
  /** Paths as the file has them. */
  readonly inputChoices: readonly InputChoice[];
  readonly stringLengthBytes: number | undefined;
  readonly stringData: string | undefined;
}

/** What a file says; what it leaves out is undefined and falls to the command line or the defaults. */
export interface SweepFile {
  readonly strategy: StrategyName | undefined;
  readonly objective: Objective | undefined;
  readonly constraints: readonly Constraint[];
  /** What the host costs. */
  readonly pricePerHour: number | undefined;
  readonly budget: Nanos | undefined;
  readonly seed: number | undefined;
  /** Requests in flight for every variant. */
  readonly concurrency: number | undefined;
  /** Rows in each request; 1 when left out. */
  readonly batchSize: number | undefined;
  /** Builds of ONNX Runtime to try, by name. */
  readonly runtimes: readonly string[] | undefined;
  /** Empty where the command line names the model. */
  readonly models: readonly SweptModel[];
  /** Whether several models are loaded and tuned at once; else each is a study of its own. */
  readonly tunesTogether: boolean;
  /** Undefined tunes every major knob over its own values. */
  readonly knobs: KnobSelection | undefined;
  /** What the file asks for that has no meaning here, as sentences. */
  readonly notes: readonly string[];
}

/** A fault or note with the place it is about, as keys and indices from the root. */
export interface FilePlace {
  readonly path: readonly PropertyKey[];
  readonly what: string;
  readonly hint?: string;
}

/** Files for people are a few kilobytes. */
const MOST_BYTES = 2 ** 20;

/** Throws PerfTsError BAD_FILE when the file cannot be read or says something wrong. */
export async function readSweepFile(file: string): Promise<SweepFile> {
  const hint = 'sweep files that ship lie in the sweeps folder of the package, such as quick.yaml and cpu.yaml';
  return parseSweepFile(await readTextFile(file, { mostBytes: MOST_BYTES, hint }), file);
}

/** As `readSweepFile`, for a text; `file` is for messages. */
export function parseSweepFile(text: string, file: string): SweepFile {
  const { document, content: found, lineAt } = parseYaml(text, file);
  const content = found ?? {};
  const where = ({ path }: FilePlace): string => lineAt(offsetOf(document, path));
  if (isModelAnalyzerFile(content)) {
    const { sweep, faults, notes } = readModelAnalyzerFile(content);
    refuse([...faults, ...foreignContradictions(sweep)], document, where);
    return { ...sweep, notes: notes.map((note) => `${where(note)}: ${describePlace(note)}`) };
  }
  const checked = sweepSchema.safeParse(content);
  refuse(checked.success ? findFaults(checked.data) : checked.error.issues.flatMap(placesOf), document, where);
  return toSweepFile(checked.data!);
}

/** Throws when there is a fault; in the order of the file. */
function refuse(faults: readonly FilePlace[], document: Document, where: (place: FilePlace) => string): void {
  if (faults.length === 0) return;
  const inOrder = faults.toSorted((a, b) => offsetOf(document, a.path) - offsetOf(document, b.path));
  throw new PerfTsError(
    'BAD_FILE',
    inOrder.map(
      (fault): Problem => ({
        where: where(fault),
        what: describePlace(fault),
        ...(fault.hint !== undefined && { hint: fault.hint }),
      }),
    ),
  );
}

const describePlace = ({ path, what }: FilePlace): string =>
  path.length === 0 ? what : `${path.map(String).join('.')}: ${what}`;

function toSweepFile(content: SweepContent): SweepFile {
  const { objective, objectives, load, models = [], price_per_hour: pricePerHour, runtimes } = content;
  return {
    strategy: content.strategy,
    objective: objectives === undefined ? objective : combineObjectives(objectives),
    constraints: content.constraints,
    pricePerHour,
    budget: content.budget,
    seed: content.seed,
    concurrency: content.concurrency ?? load?.concurrency,
    batchSize: load?.batch_size,
    runtimes,
    models: models.map(({ name, weight = 1, knobs }) => ({ name, weight, knobs: givenKnobs(knobs) })),
    tunesTogether: models.length > 1,
    knobs: givenKnobs(content.knobs),
    notes: [],
  };
}

const givenKnobs = (selection: SweepContent['knobs']): KnobSelection | undefined =>
  selection === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(selection).flatMap(([name, values]) => (values === undefined ? [] : [[name, values]])),
      );

/** What is wrong between fields that are right in themselves. */
function findFaults(content: SweepContent): FilePlace[] {
  const { objective, objectives, concurrency, load, models = [], knobs = {}, runtimes } = content;
  const faults = contradictions(content.constraints, (index) => ['constraints', index]);
  const both = (path: readonly PropertyKey[], other: string): void => {
    faults.push({ path, what: `cannot be given beside ${other}`, hint: 'leave one of them out' });
  };
  if (objective !== undefined && objectives !== undefined) both(['objectives'], 'objective');
  if (concurrency !== undefined && load?.concurrency !== undefined) both(['load', 'concurrency'], 'concurrency');
  const fixed = concurrency ?? load?.concurrency;
  if (fixed !== undefined && knobs.client_concurrency !== undefined) {
    both(['knobs', 'client_concurrency'], 'a concurrency for every variant');
  }
  if (load?.batch_size !== undefined && knobs.client_batch_size !== undefined) {
    both(['knobs', 'client_batch_size'], 'load.batch_size');
  }
  if (runtimes !== undefined && knobs.runtime !== undefined) both(['knobs', 'runtime'], 'runtimes');
  const names = models.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) < index) faults.push({ path: ['models', index], what: `'${name}' is listed twice` });
  });
  return faults;
}

/** Of each model that is a study of its own, else of the file. */
function foreignContradictions({ constraints, models }: Omit<SweepFile, 'notes'>): FilePlace[] {
  const lists =
    models.length === 0 ? [constraints] : models.map((model) => [...constraints, ...(model.constraints ?? [])]);
  const found = lists.flatMap((list) => contradictions(list, () => []));
  return found.filter(({ what }, index) => found.findIndex((other) => other.what === what) === index);
}

function contradictions(
  constraints: readonly Constraint[],
  pathOf: (index: number) => readonly PropertyKey[],
): FilePlace[] {
  return findContradictions(constraints).map(([floor, ceiling]) => ({
    path: pathOf(Math.max(constraints.indexOf(floor), constraints.indexOf(ceiling))),
    what: `'${floor.text}' and '${ceiling.text}' cannot both hold`,
  }));
}

function placesOf(issue: z.core.$ZodIssue): FilePlace[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, what: issue.message }];
  const known = knownKeys(issue.path);
  return issue.keys.map((key) => {
    const guess = closestWord(key, known);
    const hint = guess === undefined ? `known are ${known.join(', ')}` : `did you mean '${guess}'?`;
    return { path: [...issue.path, key], what: 'is not known', hint };
  });
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const last = path.at(-1);
  if (last === undefined) return Object.keys(sweepSchema.shape);
  if (last === 'knobs') return knobNames;
  if (last === 'load') return ['concurrency', 'batch_size'];
  return path.includes('knobs') ? ['min', 'max', 'step'] : ['name', 'weight', 'knobs'];
}

/** Where the path's key or element begins; its nearest ancestor's place when it has none of its own. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const offset = keyOffset(document, path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? 0;
}

/** Of a map's key itself, because its value may begin on a later line. */
function keyOffset(document: Document, path: readonly PropertyKey[]): number | undefined {
  const node = document.getIn(path, true);
  let found = isNode(node) ? node.range?.[0] : undefined;
  visit(document, {
    Pair(_, pair) {
      if (pair.value !== node || node === undefined || !isPair(pair)) return undefined;
      if (isNode(pair.key) && pair.key.range) found = pair.key.range[0];
      return visit.BREAK;
    },
  });
  return found;
}
