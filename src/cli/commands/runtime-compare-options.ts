/** Options of `perf-ts runtime compare`. Defaults are said in words: an option that is given elsewhere is refused there. */
import { optional, repeated } from '../../common/option-row.js';
import { seconds } from '../../common/units.js';
import { parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import { parseShape } from '../../plan/parse-load-options.js';
import { inputRows } from './request-options.js';

const group = 'Compare';

export const compareDefaults = {
  concurrency: 2,
  batchSize: 1,
  rounds: 3,
  budget: seconds(60),
  samples: 16,
  seed: 1,
} as const;

export const runtimeCompareRows = {
  model: optional({
    flag: 'model',
    aliases: ['m', 'model-name'],
    placeholder: 'MODEL',
    group,
    help: 'model to compare with: a demo model, one of the model repository, or the path of a model folder',
    parse: parseText,
  }),
  modelRepository: optional({
    flag: 'model-repository',
    placeholder: 'DIR',
    group,
    help: 'repository that holds the model (default ./models if it does)',
    parse: parseText,
  }),
  runtimes: repeated({
    flag: 'runtime',
    placeholder: 'NAME',
    group,
    help: 'only this build beside the bundled one; repeatable (default all)',
    parse: parseText,
  }),
  providers: repeated({
    flag: 'provider',
    placeholder: 'NAME',
    group,
    help: 'only this execution provider, also to learn why it cannot be used; repeatable (default all that are proven)',
    parse: parseText,
  }),
  concurrency: optional({
    flag: 'concurrency',
    placeholder: 'N',
    group,
    help: `requests in flight (default ${compareDefaults.concurrency})`,
    parse: parseInteger(1, 4096),
  }),
  batchSize: optional({
    flag: 'batch-size',
    aliases: ['b'],
    placeholder: 'N',
    group,
    help: `rows in each request (default ${compareDefaults.batchSize})`,
    parse: parseInteger(1, 65_536),
  }),
  shapes: repeated({
    flag: 'shape',
    placeholder: 'NAME:D,D',
    group,
    help: 'shape of an input with dynamic dimensions, without the batch dimension; repeatable',
    parse: (text) => parseShape(text),
  }),
  inputData: { ...inputRows.inputData, group },
  rounds: optional({
    flag: 'rounds',
    placeholder: 'N',
    group,
    help: `interleaved rounds, each with a fresh engine for every pair (default ${compareDefaults.rounds})`,
    parse: parseInteger(1, 100),
  }),
  budget: optional({
    flag: 'budget',
    placeholder: 'DURATION',
    group,
    help: 'time for all rounds; the first is always made whole (default 60s)',
    parse: parseDuration,
  }),
  samples: optional({
    flag: 'samples',
    placeholder: 'N',
    group,
    help: `requests whose answers are compared, with seeded random inputs (default ${compareDefaults.samples})`,
    parse: parseInteger(1, 100_000),
  }),
  seed: optional({
    flag: 'seed',
    placeholder: 'N',
    group,
    help: `seed of the inputs (default ${compareDefaults.seed})`,
    parse: parseInteger(0, 0xffff_ffff),
  }),
} as const;
