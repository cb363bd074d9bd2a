/**
 * Reads a whole ONNX model into memory to be edited and writes it again, with the weights that lie in files beside it.
 * A model that kept weights outside keeps them outside, in one file.
 */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import {
  attributeField,
  EXTERNAL_LOCATION,
  entryField,
  graphField,
  modelField,
  nodeField,
  sparseTensorField,
  tensorField,
} from '../onnx-fields.js';
import { BrokenBytes } from '../piece-reader.js';
import { isExternal, type LoadExternal } from './half-tensor.js';
import { ProtoMessage } from './proto-message.js';

/** No protobuf message may be larger, and neither ONNX Runtime nor onnx reads one. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;
/** Smaller tensors stay in the model's file, where ONNX Runtime reads shapes and the like at load. */
const MIN_EXTERNAL_BYTES = 1024;
/** ONNX Runtime maps weights that begin on a page into memory instead of reading them. */
const EXTERNAL_ALIGNMENT_BYTES = 4096;

export interface ModelFile {
  readonly message: ProtoMessage;
  /** Names of the files beside it that hold its weights. */
  readonly externalFiles: readonly string[];
  readonly loadExternal: LoadExternal;
}

const badFile = (where: string, what: string, hint: string, cause?: unknown): PerfTsError =>
  new PerfTsError('BAD_FILE', { where, what, hint }, cause);
const EXPORT_AGAIN = 'export or copy the ONNX model again';

/**
 * @throws PerfTsError BAD_FILE when the file cannot be read, is no protobuf, is larger than protobuf allows, or keeps
 * weights in a place that is not beside it.
 */
export async function readModelFile(file: string): Promise<ModelFile> {
  try {
    const { size } = await stat(file);
    if (size > MAX_MODEL_BYTES) {
      const hint = 'save it with external data, for example with onnx.save_model(..., save_as_external_data=True)';
      throw badFile(file, 'the file is larger than 2 GiB, more than an ONNX file can hold', hint);
    }
    const message = ProtoMessage.parse(await readFile(file));
    const tensors = allTensors(message).filter(isExternal);
    const locations = new Set(tensors.map((tensor) => placeOf(tensor, file).location));
    const folder = dirname(file);
    return { message, externalFiles: [...locations], loadExternal: (tensor) => readExternal(tensor, file, folder) };
  } catch (cause) {
    if (cause instanceof BrokenBytes)
      throw badFile(file, `it is broken or not an ONNX model: ${cause.message}`, EXPORT_AGAIN, cause);
    if (cause instanceof PerfTsError || systemCodeOf(cause) === undefined) throw cause;
    throw badFile(file, `cannot be read: ${messageOf(cause)}`, EXPORT_AGAIN, cause);
  }
}

/**
 * Writes `model` to `file`; weights that are outside, or were, go into `<file>.data`.
 * @throws PerfTsError BAD_FILE when it would be larger than protobuf allows; system errors as they are.
 */
export async function writeModelFile({ message, externalFiles, loadExternal }: ModelFile, file: string): Promise<void> {
  const location = `${basename(file)}.data`;
  if (externalFiles.length > 0) {
    const data = await open(join(dirname(file), location), 'wx');
    try {
      await moveOut(message, location, data, loadExternal);
    } finally {
      await data.close();
    }
  }
  if (message.byteLength > MAX_MODEL_BYTES) {
    throw badFile(file, 'the converted model would be larger than 2 GiB', 'save the model with external data first');
  }
  const model = await open(file, 'wx');
  try {
    await model.writeFile(message.toBytes());
  } finally {
    await model.close();
  }
}

async function moveOut(
  message: ProtoMessage,
  location: string,
  data: FileHandle,
  loadExternal: LoadExternal,
): Promise<void> {
  let offset = 0;
  for (const tensor of allTensors(message)) {
    const bytes = isExternal(tensor) ? loadExternal(tensor) : tensor.bytes(tensorField.rawData);
    if (bytes === undefined || (bytes.byteLength < MIN_EXTERNAL_BYTES && !isExternal(tensor))) continue;
    await data.write(bytes, 0, bytes.byteLength, offset);
    const place = { location, offset, length: bytes.byteLength };
    tensor
      .remove(tensorField.rawData)
      .setMessages(
        tensorField.externalData,
        Object.entries(place).map(([key, value]) =>
          new ProtoMessage().setText(entryField.key, key).setText(entryField.value, String(value)),
        ),
      )
      .setNumber(tensorField.dataLocation, EXTERNAL_LOCATION);
    offset = Math.ceil((offset + bytes.byteLength) / EXTERNAL_ALIGNMENT_BYTES) * EXTERNAL_ALIGNMENT_BYTES;
  }
}

/** Every tensor of the model: initializers and attributes, in all graphs. */
export function allTensors(model: ProtoMessage): ProtoMessage[] {
  const graph = model.message(modelField.graph);
  return graph === undefined ? [] : tensorsOf(graph);
}

function tensorsOf(graph: ProtoMessage): ProtoMessage[] {
  const attributes = graph.messages(graphField.node).flatMap((node) => node.messages(nodeField.attribute));
  const sparse = [
    ...graph.messages(graphField.sparseInitializer),
    ...attributes.flatMap((attribute) => [
      ...attribute.messages(attributeField.sparseTensor),
      ...attribute.messages(attributeField.sparseTensors),
    ]),
  ];
  return [
    ...graph.messages(graphField.initializer),
    ...sparse.flatMap((tensor) => [
      ...tensor.messages(sparseTensorField.values),
      ...tensor.messages(sparseTensorField.indices),
    ]),
    ...attributes.flatMap((attribute) => [
      ...attribute.messages(attributeField.t),
      ...attribute.messages(attributeField.tensors),
      ...attribute.messages(attributeField.g).flatMap(tensorsOf),
      ...attribute.messages(attributeField.graphs).flatMap(tensorsOf),
    ]),
  ];
}

interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  /** Undefined: to the end of the file. */
  readonly length: number | undefined;
}

function placeOf(tensor: ProtoMessage, file: string): ExternalPlace {
  const entries = new Map(
    tensor
      .messages(tensorField.externalData)
      .map((entry) => [entry.text(entryField.key), entry.text(entryField.value)]),
  );
  const location = normalize(entries.get('location') ?? '');
  const [offset, length] = [entries.get('offset') ?? '0', entries.get('length')].map((text) =>
    text === undefined ? undefined : Number(text),
  );
  const name = tensor.text(tensorField.name);
  const isBeside = location !== '.' && !isAbsolute(location) && !location.startsWith('..');
  const isPlace = [offset, length ?? 0].every((value) => Number.isSafeInteger(value) && value! >= 0);
  if (!isBeside || !isPlace) {
    const said = JSON.stringify(Object.fromEntries(entries));
    throw badFile(file, `tensor '${name}' lies outside of the model in a place that is none: ${said}`, EXPORT_AGAIN);
  }
  return { location, offset: offset ?? 0, length };
}

function readExternal(tensor: ProtoMessage, file: string, folder: string): Uint8Array {
  const { location, offset, length } = placeOf(tensor, file);
  const source = join(folder, location);
  const name = tensor.text(tensorField.name);
  try {
    const { size } = statSync(source);
    const wanted = length ?? size - offset;
    if (wanted < 0 || offset + wanted > size) {
      throw badFile(source, `the weights of '${name}' reach past its ${size} bytes`, 'copy the file again');
    }
    const bytes = new Uint8Array(wanted);
    const handle = openSync(source, 'r');
    try {
      for (let at = 0; at < wanted; ) {
        const count = readSync(handle, bytes, at, Math.min(wanted - at, 2 ** 30), offset + at);
        if (count === 0) throw badFile(source, `ended while '${name}' was read`, 'copy the file again');
        at += count;
      }
    } finally {
      closeSync(handle);
    }
    return bytes;
  } catch (cause) {
    if (cause instanceof PerfTsError || systemCodeOf(cause) === undefined) throw cause;
    throw badFile(
      source,
      `the weights of '${name}' cannot be read: ${messageOf(cause)}`,
      'copy it beside the model',
      cause,
    );
  }
}
