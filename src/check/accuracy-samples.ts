/** The inputs that variants are compared on: what a measurement of the model would send, one row each. */
import { deriveSeed } from '../common/random.js';
import { seconds } from '../common/units.js';
import type { Tensor } from '../kserve/tensor.js';
import { makeRequest } from '../load/request-set.js';
import { metadataOfConfig } from '../model-config/config-metadata.js';
import type { ModelConfig } from '../model-config/model-config.js';
import type { ModelLoad } from '../plan/load-plan.js';
import { createLoadPlan } from '../plan/plan.js';
import type { RequestContents } from '../plan/request-contents.js';

/** Length of the strings for an input that takes some, unless the contents say otherwise. */
const STRING_LENGTH_BYTES = 16;

export type Sample = readonly Tensor[];

export interface SampleChoice {
  readonly count: number;
  readonly seed: number;
  /** What requests hold; with a data file each of its steps is a sample, and `count` means nothing. */
  readonly contents?: RequestContents | undefined;
}

/**
 * What a model of this completed config is sent, in the shapes of its clients. The same choice gives the same samples
 * everywhere. Throws PerfTsError BAD_OPTION with everything that does not fit, as measuring does.
 */
export function makeSamples(name: string, config: ModelConfig, choice: SampleChoice): readonly Sample[] {
  const model = planSamples(name, config, choice);
  const count = model.dataset?.stepCount ?? choice.count;
  return Array.from(
    { length: count },
    (_, index) => makeRequest({ model, batchSize: 1, shapeIndex: 0 }, 0, index).inputs,
  );
}

/** The plan behind the samples: which inputs are generated, and how. */
export function planSamples(name: string, config: ModelConfig, { seed, contents }: SampleChoice): ModelLoad {
  const { models } = createLoadPlan(
    {
      stringLengthBytes: STRING_LENGTH_BYTES,
      ...contents,
      protocol: 'grpc',
      endpoint: 'localhost:8001',
      sequence: { kind: 'stepped', values: [1] },
      stopRule: { minDuration: seconds(1), maxDuration: seconds(1), targetHalfWidth: 1 },
      seed: deriveSeed(seed, 0),
    },
    [{ model: name, metadata: metadataOfConfig(name, config), config }],
  );
  return models[0]!;
}
