/**
 * A model loaded into ONNX Runtime. `run` is the convenient way: any tensors in, fresh tensors out. `runPrepared` is
 * the fast one for values and argument arrays that were made before. Both block the calling thread.
 */
import type { Tensor, TensorSpec } from '../kserve/tensor.js';
import type { Memory, Pointer } from './api-functions.js';
import { type NodeCounts, readAssignment } from './graph-assignment.js';
import type { OrtLibrary } from './library.js';
import { checkStatus, OrtError } from './ort-error.js';
import { readArenaBytes } from './session-memory.js';
import { createRunOptions, createSessionOptions, type SessionSettings } from './session-settings.js';
import { readSessionSignature, type SessionValues } from './session-signature.js';
import { createStringTensor, createTensorOver, describeValue, readValue } from './tensor-value.js';

const INVALID_ARGUMENT = 2;

export class OrtSession {
  readonly library: OrtLibrary;
  readonly #session: Pointer;
  readonly #runOptions: Pointer | null;
  readonly #inputs: SessionValues;
  readonly #overridableInputs: SessionValues;
  readonly #outputs: SessionValues;
  readonly #inputNames: BigUint64Array;
  readonly #outputNames: BigUint64Array;
  readonly #recordsAssignment: boolean;
  #isClosed = false;

  /**
   * Loads `modelFile`.
   * @throws OrtError when the file is not a model that this library can run with these settings.
   */
  constructor(library: OrtLibrary, modelFile: string, settings: SessionSettings = {}) {
    this.library = library;
    this.#recordsAssignment = settings.recordsAssignment === true;
    this.#session = createNativeSession(library, modelFile, settings);
    try {
      const { inputs, overridableInputs, outputs } = readSessionSignature(library, this.#session);
      this.#inputs = inputs;
      this.#overridableInputs = overridableInputs;
      this.#outputs = outputs;
      this.#runOptions = createRunOptions(library, settings);
    } catch (error) {
      library.api.ReleaseSession(this.#session);
      throw error;
    }
    this.#inputNames = BigUint64Array.from(this.#inputs.namePointers);
    this.#outputNames = BigUint64Array.from(this.#outputs.namePointers);
  }

  /** In the model's order; -1 marks a dynamic dimension. */
  get inputs(): readonly TensorSpec[] {
    return this.#inputs.specs;
  }

  /** Inputs that may be left out, because the model has values of its own for them. */
  get overridableInputs(): readonly TensorSpec[] {
    return this.#overridableInputs.specs;
  }

  get outputs(): readonly TensorSpec[] {
    return this.#outputs.specs;
  }

  /**
   * What the session's CPU arena has taken from the system, or undefined where it has no arena or the library is too
   * old to tell. Weights that ONNX Runtime leaves where it read them are not in it.
   */
  arenaBytes(): number | undefined {
    return readArenaBytes(this.library, this.#session);
  }

  /** Nodes by provider; undefined unless the settings asked for it and the library is new enough (1.24) to tell. */
  assignment(): NodeCounts | undefined {
    return this.#recordsAssignment ? readAssignment(this.library, this.#session) : undefined;
  }

  /** The native name of an input, for `runNamed`; undefined when there is none of that name. */
  inputNamePointer(name: string): Pointer | undefined {
    for (const { specs, namePointers } of [this.#inputs, this.#overridableInputs]) {
      const place = specs.findIndex((spec) => spec.name === name);
      if (place !== -1) return namePointers[place];
    }
    return undefined;
  }

  /**
   * Runs over prepared OrtValues: one pointer per input and per output, in the model's order. An output of 0n is
   * allocated by ONNX Runtime and its pointer written back; the caller then releases it.
   * @throws OrtError when the run fails.
   */
  runPrepared(inputs: Memory, outputs: Memory): void {
    this.runNamed(this.#inputNames, inputs, outputs);
  }

  /**
   * The same for inputs that are named: `names` and `inputs` have one pointer for each input that is given.
   * @throws OrtError when the run fails.
   */
  runNamed(names: BigUint64Array, inputs: Memory, outputs: Memory): void {
    const { api } = this.library;
    const status = api.Run(
      this.#session,
      this.#runOptions,
      names,
      inputs,
      names.length,
      this.#outputNames,
      this.#outputNames.length,
      outputs,
    );
    if (status) checkStatus(api, status);
  }

  /**
   * All outputs for these inputs, which may come in any order. Overridable inputs may be left out.
   * @throws OrtError when one is missing, unknown, of another type, or the run fails.
   */
  run(inputs: readonly Tensor[]): Tensor[] {
    const { api } = this.library;
    const ordered = this.#orderInputs(inputs);
    const values = new BigUint64Array(ordered.length + this.outputs.length);
    try {
      ordered.forEach((tensor, index) => {
        values[index] = createValue(this.library, tensor);
      });
      const names = BigUint64Array.from(ordered, ({ name }) => this.inputNamePointer(name)!);
      this.runNamed(names, values.subarray(0, ordered.length), values.subarray(ordered.length));
      return this.outputs.map((spec, index) => this.#copyOut(spec.name, values[ordered.length + index]!));
    } finally {
      for (const value of values) if (value !== 0n) api.ReleaseValue(value);
    }
  }

  /** Releases the session; it must not be running. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { api, allocator } = this.library;
    for (const { namePointers } of [this.#inputs, this.#overridableInputs, this.#outputs]) {
      for (const name of namePointers) api.AllocatorFree(allocator, name);
    }
    if (this.#runOptions) api.ReleaseRunOptions(this.#runOptions);
    api.ReleaseSession(this.#session);
  }

  // ONNX Runtime looks for missing inputs only when a node needs them, so names and types are checked here.
  #orderInputs(inputs: readonly Tensor[]): Tensor[] {
    const specs = [...this.inputs, ...this.overridableInputs];
    const unknown = inputs.find((tensor) => !specs.some((spec) => spec.name === tensor.name));
    if (unknown !== undefined) throw new OrtError(`the model has no input '${unknown.name}'`, INVALID_ARGUMENT);
    return specs.flatMap((spec, index) => {
      const tensor = inputs.find((candidate) => candidate.name === spec.name);
      if (tensor === undefined) {
        if (index >= this.inputs.length) return [];
        throw new OrtError(`input '${spec.name}' is missing`, INVALID_ARGUMENT);
      }
      if (tensor.dataType === spec.dataType) return [tensor];
      throw new OrtError(`input '${spec.name}' is ${tensor.dataType}, but must be ${spec.dataType}`, INVALID_ARGUMENT);
    });
  }

  #copyOut(name: string, value: Pointer): Tensor {
    const description = describeValue(this.library, value);
    const bytes = new Uint8Array(description.byteLength);
    readValue(this.library, value, description, bytes);
    return { name, dataType: description.dataType, shape: description.shape, bytes };
  }
}

function createNativeSession(library: OrtLibrary, modelFile: string, settings: SessionSettings): Pointer {
  const { api, env } = library;
  const options = createSessionOptions(library, settings);
  try {
    const place = new BigUint64Array(1);
    checkStatus(api, api.CreateSession(env, modelFile, options, place));
    return place[0]!;
  } finally {
    api.ReleaseSessionOptions(options);
  }
}

/** The OrtValue of a tensor; `tensor.bytes` must stay alive until it is released. */
function createValue(library: OrtLibrary, tensor: Tensor): Pointer {
  return tensor.dataType === 'BYTES'
    ? createStringTensor(library, tensor.shape, tensor.bytes)
    : createTensorOver(library, tensor.dataType, tensor.shape, tensor.bytes);
}
