/** What a sweep file may say, as a zod schema: the shape of every field and the messages for what is wrong with one. */
import { z } from 'zod';
import { readByteSize } from '../../common/byte-size.js';
import { messageOf } from '../../common/errors.js';
import { parseDuration } from '../../common/value-parsers.js';
import { knobs } from '../knobs/knobs.js';
import { parseConstraint } from '../objectives/constraint.js';
import { parseObjective, type WeightedObjective } from '../objectives/objective.js';
import type { KnobValue } from '../strategies/strategy.js';
import { strategyNames } from '../strategies/strategy-table.js';

/** More values than this in one range is a mistake, not a wish. */
const MAX_RANGE_VALUES = 1000;

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

const wholeFrom = (low: number, high: number) =>
  z
    .int({ error: 'must be a whole number' })
    .min(low, { error: `must be ${low} or more` })
    .max(high, { error: `must be ${high} or less` });

const above0 = z.number({ error: 'must be a number' }).positive({ error: 'must be above 0' });

const bound = z.union([z.number(), z.string()], { error: 'must be a number or a size such as 256MiB' });
const range = z
  .strictObject({ min: bound, max: bound, step: z.union([bound, z.literal('double')]).optional() })
  .transform((given, context): readonly KnobValue[] => {
    const fail = (message: string): readonly KnobValue[] => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    const [min, max] = [numberOf(given.min), numberOf(given.max)];
    const step = given.step === 'double' ? 'double' : numberOf(given.step ?? 1);
    if (min === undefined || max === undefined || step === undefined) {
      return fail('min, max and step must be numbers or sizes such as 256MiB');
    }
    if (min > max) return fail(`has a min of ${given.min} above its max of ${given.max}`);
    if (step === 'double' ? min <= 0 : step <= 0) {
      return fail(step === 'double' ? 'doubles from min, which must be above 0' : 'has a step of 0 or less');
    }
    const values = expandRange(min, max, step);
    return values === undefined ? fail(`has more than ${MAX_RANGE_VALUES} values`) : values;
  });

const numberOf = (value: string | number): number | undefined =>
  typeof value === 'number' ? value : readByteSize(value);

/** Undefined when it would be too many. The end counts, also where the steps do not meet it. */
export function expandRange(min: number, max: number, step: number | 'double'): number[] | undefined {
  const values: number[] = [];
  for (let value = min; value <= max; value = step === 'double' ? value * 2 : value + step) {
    values.push(value);
    if (values.length > MAX_RANGE_VALUES) return undefined;
  }
  if (values.at(-1) !== max) values.push(max);
  return values;
}

const knobValue = z.union([z.string(), z.number(), z.boolean()], { error: 'must be a number, a word, true or false' });
const lists = "must be a list of values, a range such as {min: 1, max: 8, step: 1}, or 'auto'";
const valueList = z.array(knobValue, { error: lists }).min(1, { error: 'lists no value' });
/** Chosen by what it looks like, so that a fault in a range is told as such. */
const knobValues = z.unknown().transform((given, context): 'auto' | readonly KnobValue[] => {
  if (given === 'auto') return 'auto';
  const isRange = typeof given === 'object' && given !== null && !Array.isArray(given);
  return readAs<readonly KnobValue[]>(isRange ? range : valueList, given, context);
});

export const knobNames: readonly string[] = knobs.map(({ name }) => name);
const knobSelection = z.strictObject(Object.fromEntries(knobNames.map((name) => [name, knobValues.optional()])));

const objectiveNamesList = z
  .array(parsed(parseObjective))
  .min(1, { error: 'must name at least one' })
  .transform((list): WeightedObjective[] => list.map((objective) => ({ objective, weight: 1 })));

const objectiveWeights = z.record(z.string(), above0).transform((weights, context): WeightedObjective[] =>
  Object.entries(weights).flatMap(([name, weight]) => {
    try {
      return [{ objective: parseObjective(name), weight }];
    } catch (thrown) {
      context.addIssue({ code: 'custom', path: [name], message: messageOf(thrown) });
      return [];
    }
  }),
);

/** A list, or weights by name; chosen by what it looks like, so that a fault inside is told as such. */
const objectiveList = z.unknown().transform((given, context): WeightedObjective[] => {
  if (Array.isArray(given)) return readAs(objectiveNamesList, given, context);
  if (typeof given === 'object' && given !== null) return readAs(objectiveWeights, given, context);
  context.addIssue({ code: 'custom', message: 'must be a list of objectives, or objectives with weights' });
  return z.NEVER;
});

/** What `schema` reads, with its issues passed on. */
function readAs<T>(schema: z.ZodType<T>, given: unknown, context: z.RefinementCtx): T {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  for (const issue of read.error.issues) context.addIssue({ ...issue, path: [...issue.path] } as never);
  return z.NEVER;
}

const modelName = z.string({ error: 'must be the name of a model' }).min(1, { error: 'must not be empty' });

const sweptModel = z.strictObject({
  name: modelName,
  /** Share of the requests that it gets; only ratios matter. */
  weight: above0.optional(),
  knobs: knobSelection.optional(),
});

export const sweepSchema = z.strictObject({
  strategy: z.enum(strategyNames, { error: `must be one of ${strategyNames.join(', ')}` }).optional(),
  objective: parsed(parseObjective).optional(),
  objectives: objectiveList.optional(),
  constraints: z.array(parsed(parseConstraint), { error: 'must be a list' }).default([]),
  price_per_hour: above0.optional(),
  budget: parsed(parseDuration).optional(),
  seed: z.int({ error: 'must be a whole number' }).nonnegative({ error: 'must be 0 or more' }).optional(),
  concurrency: wholeFrom(1, 4096).optional(),
  load: z
    .strictObject({ concurrency: wholeFrom(1, 4096).optional(), batch_size: wholeFrom(1, 4096).optional() })
    .optional(),
  runtimes: z.array(modelName, { error: 'must be a list of runtimes' }).min(1, { error: 'lists none' }).optional(),
  models: z
    .array(sweptModel, { error: 'must be a list of models, each with its name' })
    .min(1, { error: 'lists none' })
    .optional(),
  knobs: knobSelection.optional(),
});

export type SweepContent = z.infer<typeof sweepSchema>;
