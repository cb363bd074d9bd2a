/** What Triton's core refuses of a tensor's dims and its reshape (ValidateIOShape in model_config_utils.cc). */
import { elementCount } from '../kserve/data-types.js';

/** Why `shape` cannot be what a tensor of `dims` is handed to the model as, or undefined. */
export function describeBadReshape(
  dims: readonly number[],
  shape: readonly number[],
  isBatched: boolean,
): string | undefined {
  if (shape.some((size) => size < 1 && size !== -1)) return 'has a size that is neither 1 or more nor -1';
  if (shape.length === 0 && !isBatched) return 'an empty shape needs max_batch_size above 0';
  const isOpen = shape.includes(-1);
  if (isOpen !== dims.includes(-1) || (!isOpen && elementCount(shape) !== elementCount(dims))) {
    return `${show(shape)} does not hold as many elements as dims ${show(dims)}`;
  }
  const [ours, theirs] = [chunksOf(shape), chunksOf(dims)];
  if (ours.length !== theirs.length) return `${show(shape)} has another number of open sizes than dims ${show(dims)}`;
  if (ours.every((count, place) => count === theirs[place])) return undefined;
  return `${show(shape)} is ambiguous: between its open sizes are other numbers of elements than in dims ${show(dims)}`;
}

const show = (sizes: readonly number[]): string => `[${sizes.join(', ')}]`;

/** Elements before, between and behind the open sizes: each has to stay in its place. */
function chunksOf(sizes: readonly number[]): number[] {
  const counts = [1];
  for (const size of sizes) {
    if (size === -1) counts.push(1);
    else counts.push(counts.pop()! * size);
  }
  return counts;
}
