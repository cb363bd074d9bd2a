/**
 * Sweep files: a YAML file that says what to tune, for which objective, within which limits and time. Everything that
 * is wrong with one is reported together, each problem with `file:line`.
 */
import { readFile } from 'node:fs/promises';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf, PerfTsError, type Problem } from '../common/errors.js';
import type { Nanos } from '../common/units.js';
import { parseDuration } from '../common/value-parsers.js';
import { type Constraint, parseConstraint } from './constraint.js';
import { knobs } from './knobs.js';
import { type Objective, parseObjective } from './objective.js';
import type { KnobSelection } from './search-space.js';
import { type StrategyName, strategyNames } from './strategies/strategy-table.js';

/** What a file says; what it leaves out is undefined and falls to the command line or the defaults. */
export interface SweepFile {
  readonly strategy: StrategyName | undefined;
  readonly objective: Objective | undefined;
  readonly constraints: readonly Constraint[];
  readonly budget: Nanos | undefined;
  readonly seed: number | undefined;
  /** Requests in flight for every variant. */
  readonly concurrency: number | undefined;
  /** Undefined tunes every knob over its own values. */
  readonly knobs: KnobSelection | undefined;
}

/** A text that `parse` understands; its complaint becomes the problem. */
const parsed = <T>(parse: (text: string) => T) =>
  z
    .union([z.string(), z.number()], { error: 'must be a word or a number with its unit' })
    .transform((text, context): T => {
      try {
        return parse(String(text));
      } catch (thrown) {
        context.addIssue({ code: 'custom', message: messageOf(thrown) });
        return z.NEVER;
      }
    });

const knobValue = z.union([z.string(), z.number(), z.boolean()], { error: 'must be a number, a word, true or false' });
const knobNames = knobs.map(({ name }) => name);

const knobValues = z.union([z.literal('auto'), z.array(knobValue).min(1)], {
  error: "must be a list of values, or 'auto'",
});
const knobSelection = z.strictObject(Object.fromEntries(knobNames.map((name) => [name, knobValues.optional()])));

const sweepSchema = z.strictObject({
  strategy: z.enum(strategyNames, { error: `must be one of ${strategyNames.join(', ')}` }).optional(),
  objective: parsed(parseObjective).optional(),
  constraints: z.array(parsed(parseConstraint), { error: 'must be a list' }).default([]),
  budget: parsed(parseDuration).optional(),
  seed: z.int({ error: 'must be a whole number' }).nonnegative().optional(),
  concurrency: z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(4096).optional(),
  knobs: knobSelection.optional(),
});

/** Throws PerfTsError BAD_FILE when the file cannot be read or says something wrong. */
export async function readSweepFile(file: string): Promise<SweepFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const hint = 'sweep files that ship lie in the sweeps folder of the package: quick.yaml, cpu.yaml';
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(cause)}`, hint }, cause);
  }
  return parseSweepFile(text, file);
}

/** As `readSweepFile`, for a text; `file` is for messages. */
export function parseSweepFile(text: string, file: string): SweepFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number): string => `${file}:${lineCounter.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw new PerfTsError(
      'BAD_FILE',
      document.errors.map((error) => ({ where: lineAt(error.pos[0]), what: error.message })),
    );
  }
  const checked = sweepSchema.safeParse(document.toJS() ?? {});
  if (!checked.success) {
    const problems = checked.error.issues.flatMap((issue) => problemsOf(issue, document));
    const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
    throw new PerfTsError(
      'BAD_FILE',
      inOrder.map(({ offset, problem }) => ({ where: lineAt(offset), ...problem })),
    );
  }
  const { strategy, objective, constraints, budget, seed, concurrency, knobs: selection } = checked.data;
  const named = selection === undefined ? undefined : givenKnobs(selection);
  return { strategy, objective, constraints, budget, seed, concurrency, knobs: named };
}

const givenKnobs = (selection: z.infer<typeof knobSelection>): KnobSelection =>
  Object.fromEntries(
    Object.entries(selection).flatMap(([name, values]) => (values === undefined ? [] : [[name, values]])),
  );

interface PlacedProblem {
  readonly offset: number;
  readonly problem: Omit<Problem, 'where'>;
}

function problemsOf(issue: z.core.$ZodIssue, document: Document): PlacedProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? Object.keys(sweepSchema.shape) : knobNames;
    const hint = `${issue.path.length === 0 ? 'a sweep file may have' : 'knobs are'} ${known.join(', ')}`;
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { offset: offsetOf(document, path), problem: { what: `${path.join('.')}: is not known`, hint } };
    });
  }
  const name = issue.path.map(String).join('.');
  const what = name === '' ? issue.message : `${name}: ${issue.message}`;
  return [{ offset: offsetOf(document, issue.path), problem: { what } }];
}

/** Where the path's key or element begins; its nearest ancestor's place when it has none of its own. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}
