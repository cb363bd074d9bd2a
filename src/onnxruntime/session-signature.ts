/** Reads from a session what its model takes and returns. */
import koffi from 'koffi';
import type { TensorSpec } from '../kserve/tensor.js';
import type { Memory, Pointer, Status } from './api-functions.js';
import { dataTypeOfElement } from './element-types.js';
import type { OrtLibrary } from './library.js';
import { checkStatus, OrtError } from './ort-error.js';
import { readTensorInfo } from './tensor-value.js';

/** One side of a session. */
export interface SessionValues {
  /** In the model's order; -1 for a dimension that is not fixed. */
  readonly specs: readonly TensorSpec[];
  /** Native zero-terminated names, in the same order; freed with the session. */
  readonly namePointers: readonly Pointer[];
}

const NOT_IMPLEMENTED = 9;
/** ONNXType of a dense tensor. */
const TENSOR = 1;

const place = new BigUint64Array(1);
const typeNumber = new Int32Array(1);

interface SideFunctions {
  count(session: Pointer, count: Memory): Status;
  name(session: Pointer, index: number, allocator: Pointer, name: Memory): Status;
  typeInfo(session: Pointer, index: number, typeInfo: Memory): Status;
}

/**
 * Inputs that are not initializers, inputs that are and may be left out, and outputs.
 * @throws OrtError when a value is a sequence, a map or of a type that KServe cannot carry.
 */
export function readSessionSignature(
  library: OrtLibrary,
  session: Pointer,
): { inputs: SessionValues; overridableInputs: SessionValues; outputs: SessionValues } {
  const { api } = library;
  const inputs = readSide(library, session, 'input', {
    count: api.SessionGetInputCount,
    name: api.SessionGetInputName,
    typeInfo: api.SessionGetInputTypeInfo,
  });
  const outputs = readSide(library, session, 'output', {
    count: api.SessionGetOutputCount,
    name: api.SessionGetOutputName,
    typeInfo: api.SessionGetOutputTypeInfo,
  });
  const overridableInputs = readSide(library, session, 'input', {
    count: api.SessionGetOverridableInitializerCount,
    name: api.SessionGetOverridableInitializerName,
    typeInfo: api.SessionGetOverridableInitializerTypeInfo,
  });
  return { inputs, overridableInputs, outputs };
}

function readSide(library: OrtLibrary, session: Pointer, side: string, functions: SideFunctions): SessionValues {
  const { api, allocator } = library;
  checkStatus(api, functions.count(session, place));
  const count = Number(place[0]);
  const specs: TensorSpec[] = [];
  const namePointers: Pointer[] = [];
  for (let index = 0; index < count; index++) {
    checkStatus(api, functions.name(session, index, allocator, place));
    const pointer = place[0]!;
    const name = koffi.decode.string(pointer);
    checkStatus(api, functions.typeInfo(session, index, place));
    specs.push({ name, ...readType(library, place[0]!, `${side} '${name}'`) });
    namePointers.push(pointer);
  }
  return { specs, namePointers };
}

function readType(library: OrtLibrary, typeInfo: Pointer, what: string): Omit<TensorSpec, 'name'> {
  const { api } = library;
  try {
    checkStatus(api, api.GetOnnxTypeFromTypeInfo(typeInfo, typeNumber));
    if (typeNumber[0] !== TENSOR) throw new OrtError(`${what} is not a tensor`, NOT_IMPLEMENTED);
    checkStatus(api, api.CastTypeInfoToTensorInfo(typeInfo, place));
    const { elementType, shape } = readTensorInfo(library, place[0]!);
    const dataType = dataTypeOfElement(elementType);
    if (dataType === undefined) {
      throw new OrtError(
        `${what} has element type ${elementType}, which no KServe data type stands for`,
        NOT_IMPLEMENTED,
      );
    }
    return { dataType, shape };
  } finally {
    api.ReleaseTypeInfo(typeInfo);
  }
}
