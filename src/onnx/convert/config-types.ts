/** What a model configuration says of inputs and outputs that became half precision. */
import { PerfTsError } from '../../common/errors.js';
import type { ModelConfig } from '../../model-config/model-config.js';

const FULL_TYPE = 'TYPE_FP32';
const HALF_TYPE = 'TYPE_FP16';

interface ChangedEnds {
  readonly changedInputs: readonly string[];
  readonly changedOutputs: readonly string[];
}

interface WarmUpInput {
  readonly data_type?: string;
  readonly input_data_file?: string;
}
interface WarmUp {
  readonly name?: string;
  readonly inputs?: Readonly<Record<string, WarmUpInput>>;
}

/**
 * `config` for the converted model; what did not change is left as it is.
 * @throws PerfTsError BAD_FILE when a warm-up reads the values of an input that changed from a file, which has 32-bit floats.
 */
export function toHalfConfig(config: ModelConfig, { changedInputs, changedOutputs }: ChangedEnds): ModelConfig {
  const retype = <Entry extends { readonly name: string; readonly data_type: string }>(
    entries: readonly Entry[] | undefined,
    changed: readonly string[],
  ): readonly Entry[] | undefined =>
    entries?.map((entry) =>
      changed.includes(entry.name) && entry.data_type === FULL_TYPE ? { ...entry, data_type: HALF_TYPE } : entry,
    );
  const input = retype(config.input, changedInputs);
  const output = retype(config.output, changedOutputs);
  const warmUps = config.model_warmup as readonly WarmUp[] | undefined;
  return {
    ...config,
    ...(input && { input }),
    ...(output && { output }),
    ...(warmUps && { model_warmup: warmUps.map((warmUp) => retypeWarmUp(warmUp, changedInputs)) }),
  };
}

function retypeWarmUp(warmUp: WarmUp, changed: readonly string[]): WarmUp {
  if (warmUp.inputs === undefined) return warmUp;
  const entries = Object.entries(warmUp.inputs).map(([name, input]) => {
    if (!changed.includes(name) || input.data_type !== FULL_TYPE) return [name, input] as const;
    if (input.input_data_file !== undefined) {
      throw new PerfTsError('BAD_FILE', {
        where: 'config.pbtxt',
        what: `model_warmup '${warmUp.name ?? ''}' reads 32-bit values for '${name}' from a file`,
        hint: 'keep the input types, or take that warm-up out',
      });
    }
    return [name, { ...input, data_type: HALF_TYPE }] as const;
  });
  return { ...warmUp, inputs: Object.fromEntries(entries) };
}
