/**
 * Reads what an ONNX graph takes and returns straight from the file, skipping weights by position, so that a model of
 * any size costs a few reads. ONNX Runtime is not involved.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../common/errors.js';
import type { ModelSignature, ValueSignature } from '../model-config/model-signature.js';
import {
  dataTypeOfOnnx,
  dimField,
  graphField,
  modelField,
  opsetField,
  shapeField,
  sparseTensorField,
  tensorField,
  tensorTypeField,
  typeField,
  valueField,
} from './onnx-fields.js';
import { BrokenBytes, type Field, PieceReader } from './piece-reader.js';

/** A graph value as found, which need not be one that a server can carry. */
interface RawValue {
  name: string;
  /** `tensor`, or what else the value is. */
  kind: string;
  elementType: number;
  shape: number[];
}

interface RawModel {
  irVersion: number;
  opset: number;
  producer: string;
  hasGraph: boolean;
  hasOpset: boolean;
  readonly initializers: Set<string>;
  readonly inputs: RawValue[];
  readonly outputs: RawValue[];
}

/** What the file declares of its graph, which ONNX Runtime may know better. */
export interface DeclaredSignature extends ModelSignature {
  readonly opset: number;
  readonly producer: string;
}

/**
 * The signature that the ONNX model in `file` declares. A tensor declared without a shape gets the shape [], as ONNX Runtime
 * reports it.
 * @throws PerfTsError BAD_FILE when the file cannot be read, is not an ONNX model, is cut short, or has inputs or
 * outputs that KServe v2 cannot carry; all of the latter are reported together.
 */
export async function readModelSignature(file: string): Promise<DeclaredSignature> {
  const handle = await openModel(file);
  try {
    const { size } = await handle.stat();
    if (size === 0) throw badModel(file, 'the file is empty');
    const model = await readModel(new PieceReader(handle, size));
    if (model.irVersion === 0 || !model.hasGraph) throw badModel(file, 'it is not an ONNX model');
    if (!model.hasOpset) throw badModel(file, 'it names no operator set, so it is cut short or not an ONNX model');
    return toSignature(model, file);
  } catch (cause) {
    if (cause instanceof PerfTsError) throw cause;
    if (cause instanceof BrokenBytes)
      throw badModel(file, `it is broken or not an ONNX model: ${cause.message}`, cause);
    if (systemCodeOf(cause) !== undefined) throw badModel(file, `cannot be read: ${messageOf(cause)}`, cause);
    throw cause;
  } finally {
    await handle.close();
  }
}

async function openModel(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (cause) {
    const isMissing = systemCodeOf(cause) === 'ENOENT';
    throw badModel(file, isMissing ? 'the file does not exist' : `cannot be opened: ${messageOf(cause)}`, cause);
  }
}

const badModel = (file: string, what: string, cause?: unknown): PerfTsError =>
  new PerfTsError('BAD_FILE', { where: file, what, hint: 'export or copy the ONNX model again' }, cause);

async function readModel(reader: PieceReader): Promise<RawModel> {
  const model: RawModel = {
    irVersion: 0,
    opset: 0,
    producer: '',
    hasGraph: false,
    hasOpset: false,
    initializers: new Set(),
    inputs: [],
    outputs: [],
  };
  for (let field = await reader.nextField(reader.size); field; field = await reader.nextField(reader.size)) {
    if (field.number === modelField.irVersion) model.irVersion = await reader.number(field);
    else if (field.number === modelField.producerName) model.producer = await reader.text(field);
    else if (field.number === modelField.opsetImport) {
      model.hasOpset = true;
      model.opset = Math.max(model.opset, await readOpset(reader, field));
    } else if (field.number === modelField.graph) {
      model.hasGraph = true;
      await readGraph(reader, field, model);
    } else reader.skip(field);
  }
  return model;
}

/** The version of ONNX's own operator set, or 0 for another domain. */
async function readOpset(reader: PieceReader, opset: Field): Promise<number> {
  let domain = '';
  let version = 0;
  for (let field = await reader.nextField(opset.end); field; field = await reader.nextField(opset.end)) {
    if (field.number === opsetField.domain) domain = await reader.text(field);
    else if (field.number === opsetField.version) version = await reader.number(field);
    else reader.skip(field);
  }
  return domain === '' || domain === 'ai.onnx' ? version : 0;
}

async function readGraph(reader: PieceReader, graph: Field, model: RawModel): Promise<void> {
  for (let field = await reader.nextField(graph.end); field; field = await reader.nextField(graph.end)) {
    if (field.number === graphField.initializer) model.initializers.add(await readTensorName(reader, field));
    else if (field.number === graphField.sparseInitializer) model.initializers.add(await readSparseName(reader, field));
    else if (field.number === graphField.input) model.inputs.push(await readValue(reader, field));
    else if (field.number === graphField.output) model.outputs.push(await readValue(reader, field));
    else reader.skip(field);
  }
}

async function readTensorName(reader: PieceReader, tensor: Field): Promise<string> {
  let name = '';
  for (let field = await reader.nextField(tensor.end); field; field = await reader.nextField(tensor.end)) {
    if (field.number === tensorField.name) name = await reader.text(field);
    else reader.skip(field);
  }
  return name;
}

async function readSparseName(reader: PieceReader, sparse: Field): Promise<string> {
  let name = '';
  for (let field = await reader.nextField(sparse.end); field; field = await reader.nextField(sparse.end)) {
    if (field.number === sparseTensorField.values) name = await readTensorName(reader, field);
    else reader.skip(field);
  }
  return name;
}

async function readValue(reader: PieceReader, value: Field): Promise<RawValue> {
  const raw: RawValue = { name: '', kind: 'untyped', elementType: 0, shape: [] };
  for (let field = await reader.nextField(value.end); field; field = await reader.nextField(value.end)) {
    if (field.number === valueField.name) raw.name = await reader.text(field);
    else if (field.number === valueField.type) await readType(reader, field, raw);
    else reader.skip(field);
  }
  return raw;
}

const kindByField = new Map<number, string>([
  [typeField.sequence, 'a sequence'],
  [typeField.map, 'a map'],
  [typeField.sparseTensor, 'a sparse tensor'],
  [typeField.optional, 'an optional value'],
]);

async function readType(reader: PieceReader, type: Field, raw: RawValue): Promise<void> {
  for (let field = await reader.nextField(type.end); field; field = await reader.nextField(type.end)) {
    if (field.number === typeField.tensor) {
      raw.kind = 'tensor';
      await readTensorType(reader, field, raw);
    } else {
      raw.kind = kindByField.get(field.number) ?? raw.kind;
      reader.skip(field);
    }
  }
}

async function readTensorType(reader: PieceReader, type: Field, raw: RawValue): Promise<void> {
  for (let field = await reader.nextField(type.end); field; field = await reader.nextField(type.end)) {
    if (field.number === tensorTypeField.elementType) raw.elementType = await reader.number(field);
    else if (field.number === tensorTypeField.shape) raw.shape = await readShape(reader, field);
    else reader.skip(field);
  }
}

async function readShape(reader: PieceReader, shape: Field): Promise<number[]> {
  const sizes: number[] = [];
  for (let field = await reader.nextField(shape.end); field; field = await reader.nextField(shape.end)) {
    if (field.number === shapeField.dim) sizes.push(await readDimension(reader, field));
    else reader.skip(field);
  }
  return sizes;
}

async function readDimension(reader: PieceReader, dimension: Field): Promise<number> {
  let size = -1;
  for (let field = await reader.nextField(dimension.end); field; field = await reader.nextField(dimension.end)) {
    if (field.number === dimField.value) size = Math.max(-1, await reader.number(field));
    else reader.skip(field);
  }
  return size;
}

function toSignature(model: RawModel, file: string): DeclaredSignature {
  const problems: Problem[] = [];
  const toValue = (role: string, raw: RawValue): ValueSignature => {
    const dataType = raw.kind === 'tensor' ? dataTypeOfOnnx(raw.elementType) : undefined;
    if (dataType === undefined) {
      const found = raw.kind === 'tensor' ? `a tensor of ONNX element type ${raw.elementType}` : raw.kind;
      problems.push({ where: file, what: `${role} '${raw.name}' is ${found}, which the protocol cannot carry` });
    }
    return { name: raw.name, dataType: dataType ?? 'BYTES', shape: raw.shape };
  };
  const inputs = model.inputs.filter((raw) => !model.initializers.has(raw.name)).map((raw) => toValue('input', raw));
  // Before IR version 4 every initializer had to be listed as an input too, and none can be overridden.
  const overridable = model.irVersion < 4 ? [] : model.inputs.filter((raw) => model.initializers.has(raw.name));
  const overridableInputs = overridable.map((raw) => toValue('input', raw));
  const outputs = model.outputs.map((raw) => toValue('output', raw));
  if (outputs.length === 0) problems.push({ where: file, what: 'the graph has no output' });
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  return {
    inputs,
    ...(overridableInputs.length > 0 && { overridableInputs }),
    outputs,
    opset: model.opset,
    producer: model.producer,
  };
}
