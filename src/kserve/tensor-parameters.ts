/**
 * The parameters of inputs and requested outputs that change what is sent: shared memory and classification. One
 * reading for gRPC and HTTP; refusals are in Triton's words.
 */
import { ProtocolError } from './protocol-error.js';
import type { RequestedOutput, RequestParameters, SharedMemoryReference } from './tensor.js';

/** Parameters as they came, of any type. */
export type LooseParameters = Readonly<Record<string, unknown>>;

/** Throws ProtocolError for a reference that is incomplete or of wrong types; an absent one is undefined. */
export function sharedMemoryOf(parameters: LooseParameters, tensorName: string): SharedMemoryReference | undefined {
  const region = parameters.shared_memory_region;
  if (region === undefined) return undefined;
  if (typeof region !== 'string') throw wrongType('shared_memory_region', tensorName, 'string_param');
  const byteSize = parameters.shared_memory_byte_size;
  if (byteSize === undefined) {
    throw new ProtocolError(
      `'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '${tensorName}'`,
    );
  }
  if (typeof byteSize !== 'number') throw wrongType('shared_memory_byte_size', tensorName, 'int64_param');
  const offsetBytes = parameters.shared_memory_offset ?? 0;
  if (typeof offsetBytes !== 'number') throw wrongType('shared_memory_offset', tensorName, 'int64_param');
  if (!isCount(byteSize) || !isCount(offsetBytes) || !Number.isSafeInteger(offsetBytes + byteSize)) {
    throw new ProtocolError(`Invalid offset + byte size for shared memory region: '${region}'`);
  }
  return { region, offsetBytes, byteSize };
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const wrongType = (parameter: string, tensorName: string, expected: string): ProtocolError =>
  new ProtocolError(
    `invalid value type for '${parameter}' parameter for tensor '${tensorName}', expected ${expected}.`,
  );

/**
 * An output as it was asked for. `lowestCount` is the smallest class count that the transport may send: gRPC refuses 0,
 * over HTTP it asks for the tensor itself.
 */
export function requestedOutputOf(name: string, parameters: LooseParameters, lowestCount: 0 | 1): RequestedOutput {
  const classificationCount = classCountOf(parameters.classification, lowestCount);
  const sharedMemory = sharedMemoryOf(parameters, name);
  if (sharedMemory === undefined) return { name, classificationCount };
  if (classificationCount > 0) {
    throw new ProtocolError("Output can't set both 'shared_memory_region' and 'classification'");
  }
  return { name, classificationCount, sharedMemory };
}

function classCountOf(value: unknown, lowestCount: 0 | 1): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError("invalid value type for 'classification' parameter, expected int64_param");
  }
  if (value < lowestCount) throw new ProtocolError("invalid value for 'classification' parameter, expected >= 0");
  return value;
}

/** Whether the output has anything beyond its name. */
export const isPlainOutput = (output: RequestedOutput): boolean =>
  output.classificationCount === 0 && output.sharedMemory === undefined;

/** A reference as parameters of a tensor. */
export const referenceParameters = ({ region, offsetBytes, byteSize }: SharedMemoryReference): RequestParameters => ({
  shared_memory_region: region,
  shared_memory_byte_size: byteSize,
  ...(offsetBytes === 0 ? {} : { shared_memory_offset: offsetBytes }),
});

/** An output's parameters; empty for a plain one. */
export const outputParameters = ({ classificationCount, sharedMemory }: RequestedOutput): RequestParameters =>
  sharedMemory !== undefined
    ? referenceParameters(sharedMemory)
    : classificationCount > 0
      ? { classification: classificationCount }
      : {};

/**
 * A request's own parameters, checked.
 * Throws ProtocolError for values of other types and for whole numbers that cannot be kept exactly.
 */
export function checkRequestParameters(parameters: LooseParameters): RequestParameters {
  for (const [key, value] of Object.entries(parameters)) {
    const isNumber = typeof value === 'number';
    if (!isNumber && typeof value !== 'string' && typeof value !== 'boolean') {
      throw new ProtocolError(`parameter '${key}' has invalid type. It should be either 'int', 'bool', or 'string'.`);
    }
    if (isNumber && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new ProtocolError(`parameter '${key}' is a whole number beyond 2^53, which cannot be kept exactly`);
    }
  }
  return parameters as RequestParameters;
}
