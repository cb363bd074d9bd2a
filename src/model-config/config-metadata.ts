/** What a server says of a model's inputs and outputs, told from its completed config before any server is there. */
import { fromConfigType } from '../kserve/data-types.js';
import type { ModelMetadata, TensorMetadata } from '../kserve/metadata.js';
import type { InputConfig, ModelConfig, OutputConfig } from './model-config.js';

/** Shapes as clients send them: those of the config, behind the batch dimension where there is one. */
export function metadataOfConfig(name: string, config: ModelConfig): ModelMetadata {
  const isBatching = (config.max_batch_size ?? 0) > 0;
  const tensors = (configs: readonly (InputConfig | OutputConfig)[] = []): TensorMetadata[] =>
    configs.map(({ name: tensor, data_type: type, dims }) => ({
      name: tensor,
      datatype: fromConfigType(type) ?? type,
      shape: [...(isBatching ? [-1] : []), ...(dims ?? [])].map(Number),
    }));
  return {
    name,
    versions: [],
    platform: config.platform ?? '',
    inputs: tensors(config.input),
    outputs: tensors(config.output),
  };
}
