/**
 * The concrete shape of each input of a request, from the model's metadata, its configuration and the shapes that the
 * user gave. Decides whether the model batches.
 */
import type { Problem } from '../common/errors.js';
import type { ModelMetadata, TensorMetadata } from '../kserve/metadata.js';
import type { ModelConfig } from '../model-config/model-config.js';

/** Shapes by input name, without the batch dimension. */
export type ShapesByInput = Readonly<Record<string, readonly number[]>>;

/** Whether requests carry a batch dimension. `maxBatchSize` is undefined where nobody tells the limit. */
export type Batching =
  | { readonly isBatching: false; readonly reason: string }
  | { readonly isBatching: true; readonly maxBatchSize: number | undefined };

/**
 * With a configuration its max_batch_size decides. A server that publishes none leaves the metadata: a model batches
 * when the first dimension of every input and output is -1, unless a given shape already has as many dimensions as its input.
 */
export function findBatching(
  metadata: ModelMetadata,
  config: ModelConfig | undefined,
  shapes: ShapesByInput,
): Batching {
  if (config !== undefined) {
    const maxBatchSize = config.max_batch_size ?? 0;
    if (maxBatchSize > 0) return { isBatching: true, maxBatchSize };
    return { isBatching: false, reason: 'its max_batch_size is 0' };
  }
  const tensors = [...metadata.inputs, ...metadata.outputs];
  const hasBatchDimension = metadata.inputs.length > 0 && tensors.every(({ shape }) => shape[0] === -1);
  if (!hasBatchDimension) {
    const reason = 'the server publishes no configuration, and not every tensor has -1 as its first dimension';
    return { isBatching: false, reason };
  }
  const isFullShape = metadata.inputs.some(({ name, shape }) => shapes[name]?.length === shape.length);
  if (isFullShape) return { isBatching: false, reason: '--shape gives every dimension of an input' };
  return { isBatching: true, maxBatchSize: undefined };
}

/** The shape of one input without the batch dimension; every -1 is filled from `given`, or a problem is added. */
export function concreteShape(
  input: TensorMetadata,
  batching: Batching,
  given: readonly number[] | undefined,
  problems: Problem[],
): readonly number[] {
  const declared = batching.isBatching ? input.shape.slice(1) : input.shape;
  const listed = `[${declared.join(', ')}]`;
  const example = `--shape ${input.name}:${declared.map((size) => (size === -1 ? 8 : size)).join(',')}`;
  if (given === undefined) {
    if (declared.includes(-1)) {
      const what = `input ${input.name} has dynamic dimensions ${listed} and no shape was given`;
      problems.push({ what, where: '--shape', hint: `give one, for example ${example}` });
    }
  } else if (given.length !== declared.length) {
    const without = batching.isBatching ? ' (the batch dimension is not part of it)' : '';
    const what = `input ${input.name} has ${declared.length} dimensions ${listed}${without}, the given shape has ${given.length}`;
    problems.push({ what, where: '--shape', hint: `for example ${example}` });
  } else if (declared.some((size, axis) => size !== -1 && size !== given[axis])) {
    const what = `input ${input.name} has the shape ${listed}, which [${given.join(', ')}] does not fit`;
    problems.push({ what, where: '--shape', hint: 'only dimensions of -1 may be chosen' });
  }
  return given ?? declared;
}
