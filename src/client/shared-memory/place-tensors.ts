/** Where the tensors of requests lie in one region of shared memory: pure arithmetic. */
import { elementCount, elementSize } from '../../kserve/data-types.js';
import type { InferInput, RequestedOutput, SharedMemoryReference, Tensor, TensorSpec } from '../../kserve/tensor.js';
import type { RequestTemplate } from '../infer-client.js';

/** As wide as a cache line, and more than any element needs. */
const ALIGNMENT = 64;

/** Room for the outputs of one request. */
export interface OutputRoom {
  readonly name: string;
  readonly byteSize: number;
}

export interface PlacedRequests {
  /** With references instead of bytes, in the order they were given. */
  readonly templates: readonly RequestTemplate[];
  /** What is to be written where. */
  readonly contents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  readonly byteSize: number;
}

/**
 * Every request has its own inputs. Request i writes its outputs to place i modulo `outputPlaces`; requests that share a
 * place may overwrite one another's answers.
 */
export function placeTensors(
  region: string,
  requests: readonly { readonly template: RequestTemplate; readonly outputs: readonly OutputRoom[] }[],
  outputPlaces: number,
): PlacedRequests {
  let end = 0;
  const take = (byteSize: number): SharedMemoryReference => {
    const offsetBytes = end;
    end += Math.ceil(Math.max(1, byteSize) / ALIGNMENT) * ALIGNMENT;
    return { region, offsetBytes, byteSize };
  };
  const contents: { offset: number; bytes: Uint8Array }[] = [];
  const place = (tensor: Tensor): InferInput => {
    const sharedMemory = take(tensor.bytes.byteLength);
    contents.push({ offset: sharedMemory.offsetBytes, bytes: tensor.bytes });
    return { ...tensor, bytes: new Uint8Array(), sharedMemory };
  };
  const places: (readonly RequestedOutput[])[] = [];
  const templates = requests.map(({ template, outputs }, index): RequestTemplate => {
    const inputs = template.inputs.map(place);
    places[index % outputPlaces] ??= outputs.map(({ name, byteSize }) => {
      return { name, classificationCount: 0, sharedMemory: take(byteSize) };
    });
    const requested = places[index % outputPlaces]!;
    return { ...template, inputs, outputNames: requested.map(({ name }) => name), outputs: requested };
  });
  return { templates, contents, byteSize: end };
}

/** `unknownBytes` a row is taken where the size of an output is not known beforehand. */
export function outputRooms(
  outputs: readonly TensorSpec[],
  rowCount: number,
  unknownBytes: number,
): readonly OutputRoom[] {
  return outputs.map(({ name, dataType, shape }) => {
    const size = elementSize(dataType);
    const isKnown = size !== undefined && !shape.includes(-1);
    return { name, byteSize: rowCount * (isKnown ? elementCount(shape) * size : unknownBytes) };
  });
}

/** How much of `room` a tensor takes: servers tell of the room they were given, which may be larger. */
export function tensorBytes({ dataType, shape }: TensorSpec, room: Uint8Array): number {
  const size = elementSize(dataType);
  const count = elementCount(shape);
  if (size !== undefined) return Math.min(room.byteLength, count * size);
  const view = new DataView(room.buffer, room.byteOffset, room.byteLength);
  let end = 0;
  for (let index = 0; index < count && end + 4 <= room.byteLength; index++) end += 4 + view.getUint32(end, true);
  return Math.min(room.byteLength, end);
}
