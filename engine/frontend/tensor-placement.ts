/**
 * Requests whose tensors are not simply in the message: inputs that lie in shared memory are read before the model
 * sees the request, outputs are written there or classified before the caller sees the answer.
 */
import { messageOf } from '../../src/common/errors.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { InferInput, InferOutput, RequestedOutput, Tensor } from '../../src/kserve/tensor.js';
import { classifyTensor } from '../classification/classify.js';
import type { InferenceOutcome, OnOutcome } from '../inference.js';
import type { ServedModel } from '../served-model.js';
import type { SharedMemoryRegion, SharedMemoryRegions } from '../shared-memory/shared-memory-regions.js';
import { failureOf } from './call-failure.js';

export interface PlacedCall {
  readonly inputs: readonly InferInput[];
  readonly outputs?: readonly RequestedOutput[];
}

/** Whether the call needs `TensorPlacement`. Asked for every request, so it makes nothing. */
export function isPlaced({ inputs, outputs }: PlacedCall): boolean {
  if (outputs !== undefined) return true;
  for (let place = 0; place < inputs.length; place++) if (inputs[place]!.sharedMemory !== undefined) return true;
  return false;
}

/** What one call holds of regions and copies from its start to its answer. */
export class TensorPlacement {
  /** With the bytes of those that lie in shared memory. */
  readonly inputs: readonly Tensor[];
  readonly #model: ServedModel;
  readonly #regions: SharedMemoryRegions | undefined;
  readonly #copies: Buffer[] = [];
  readonly #held: SharedMemoryRegion[] = [];
  readonly #outputs = new Map<string, RequestedOutput>();
  readonly #outputRegions = new Map<string, SharedMemoryRegion>();

  /** `regions` is undefined where clients may not use shared memory. Throws ProtocolError; then nothing is held. */
  constructor(model: ServedModel, call: PlacedCall, regions: SharedMemoryRegions | undefined) {
    this.#model = model;
    this.#regions = regions;
    try {
      for (const output of call.outputs ?? []) this.#placeOutput(output);
      this.inputs = call.inputs.map((input) => this.#readInput(input));
    } catch (thrown) {
      this.#release();
      throw thrown;
    }
  }

  /** Puts the outputs of a good outcome where they were asked for, then tells `onOutcome`. */
  finish(outcome: InferenceOutcome, onOutcome: OnOutcome): void {
    let placed = outcome;
    try {
      if (outcome.state === 'ok')
        placed = { state: 'ok', outputs: outcome.outputs.map((tensor) => this.#place(tensor)) };
    } catch (thrown) {
      placed = { state: 'failed', failure: failureOf(thrown) };
    }
    try {
      onOutcome(placed);
    } finally {
      // Not before: an output may be a view of an input's copy.
      this.#release();
    }
  }

  #hold(reference: NonNullable<InferInput['sharedMemory']>): SharedMemoryRegion {
    const region = allowed(this.#regions).retain(reference);
    this.#held.push(region);
    return region;
  }

  #placeOutput(output: RequestedOutput): void {
    this.#outputs.set(output.name, output);
    if (output.sharedMemory !== undefined) this.#outputRegions.set(output.name, this.#hold(output.sharedMemory));
  }

  #readInput(input: InferInput): Tensor {
    const { name, dataType, shape, sharedMemory } = input;
    if (sharedMemory === undefined) return input;
    const region = this.#hold(sharedMemory);
    const copy = allowed(this.#regions).lendCopy(sharedMemory.byteSize);
    this.#copies.push(copy);
    const bytes = copy.subarray(0, sharedMemory.byteSize);
    region.read(sharedMemory.offsetBytes, bytes);
    return { name, dataType, shape, bytes };
  }

  #place(tensor: Tensor): InferOutput {
    const output = this.#outputs.get(tensor.name);
    if (output === undefined) return tensor;
    const { name, classificationCount, sharedMemory } = output;
    if (classificationCount > 0) {
      const hasBatchDimension = (this.#model.config.max_batch_size ?? 0) > 0;
      return classifyTensor(tensor, classificationCount, hasBatchDimension, this.#model.labels?.get(name) ?? []);
    }
    if (sharedMemory === undefined) return tensor;
    const { byteLength } = tensor.bytes;
    if (byteLength > sharedMemory.byteSize) {
      throw new ProtocolError(
        `shared memory size specified with the request for output '${name}' (${sharedMemory.byteSize} bytes) should ` +
          `be at least ${byteLength} bytes to hold the results`,
        'INTERNAL',
      );
    }
    try {
      this.#outputRegions.get(name)!.write(sharedMemory.offsetBytes, tensor.bytes);
    } catch (thrown) {
      if (thrown instanceof ProtocolError) throw thrown;
      throw new ProtocolError(`cannot write output '${name}' to shared memory: ${messageOf(thrown)}`, 'INTERNAL');
    }
    return { ...tensor, bytes: noBytes, sharedMemory };
  }

  #release(): void {
    for (const region of this.#held) region.release();
    for (const copy of this.#copies) this.#regions!.returnCopy(copy);
  }
}

const noBytes = new Uint8Array(0);

/** Throws ProtocolError UNIMPLEMENTED where clients may not use shared memory. */
export function allowed(regions: SharedMemoryRegions | undefined): SharedMemoryRegions {
  if (regions !== undefined) return regions;
  throw new ProtocolError(
    'shared memory of clients is not allowed here; start the engine with --allow-client-shm=true',
    'UNIMPLEMENTED',
  );
}
