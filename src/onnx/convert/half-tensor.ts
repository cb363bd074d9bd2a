/** Turns the 32-bit floats of a TensorProto into halves, whichever way they are stored. */
import { endianness } from 'node:os';
import { attributeField, attributeType, EXTERNAL_LOCATION, onnxElementType, tensorField } from '../onnx-fields.js';
import { BrokenBytes } from '../piece-reader.js';
import { type HalfCounts, toHalfBits } from './half-float.js';
import { ProtoMessage } from './proto-message.js';

/** The bytes of a tensor that lie outside of the model's file. */
export type LoadExternal = (tensor: ProtoMessage) => Uint8Array;

export const isExternal = (tensor: ProtoMessage): boolean =>
  tensor.number(tensorField.dataLocation) === EXTERNAL_LOCATION;

/**
 * A half-precision copy of `tensor` named `name`, its values as raw data; what does not fit is added to `counts`.
 * @throws BrokenBytes when there are not as many values as its dimensions say.
 */
export function toHalfTensor(
  tensor: ProtoMessage,
  name: string,
  counts: HalfCounts,
  loadExternal: LoadExternal,
): ProtoMessage {
  const bits = toHalfBits(readFloats(tensor, loadExternal), counts);
  const half = tensor.copy();
  if (name !== tensor.text(tensorField.name)) half.setText(tensorField.name, name);
  for (const field of [tensorField.floatData, tensorField.externalData, tensorField.dataLocation]) half.remove(field);
  return half.setNumber(tensorField.dataType, onnxElementType.FP16).setBytes(tensorField.rawData, littleEndian(bits));
}

/** The 32-bit floats of a tensor. Throws as `toHalfTensor`. */
export function readFloats(tensor: ProtoMessage, loadExternal: LoadExternal): Float32Array {
  const name = tensor.text(tensorField.name);
  if (tensor.has(tensorField.segment)) throw new BrokenBytes(`tensor '${name}' is stored in segments`);
  const count = tensor.numbers(tensorField.dims).reduce((product, size) => product * size, 1);
  const raw = isExternal(tensor) ? loadExternal(tensor) : tensor.bytes(tensorField.rawData);
  const values = raw === undefined || raw.byteLength === 0 ? tensor.floats(tensorField.floatData) : floatsOf(raw);
  if (values.length !== count) {
    throw new BrokenBytes(`tensor '${name}' holds ${values.length} values, but its dimensions say ${count}`);
  }
  return values;
}

function floatsOf(raw: Uint8Array): Float32Array {
  // The copy is aligned, which a stretch of a file need not be.
  const aligned = new Uint8Array(raw.byteLength - (raw.byteLength % 4));
  aligned.set(raw.subarray(0, aligned.byteLength));
  if (endianness() === 'BE') Buffer.from(aligned.buffer).swap32();
  return new Float32Array(aligned.buffer);
}

function littleEndian(bits: Uint16Array): Uint8Array {
  const bytes = Buffer.from(bits.buffer, bits.byteOffset, bits.byteLength);
  return endianness() === 'BE' ? bytes.swap16() : bytes;
}

/** The TensorProto of a Constant node's floats: its `value`, or its `value_float` or `value_floats` as one. */
export function constantTensor(attributes: ReadonlyMap<string, ProtoMessage>): ProtoMessage | undefined {
  const tensor = attributes.get('value')?.message(attributeField.t);
  if (tensor !== undefined) return tensor;
  const list = attributes.get('value_floats');
  const values = list?.floats(attributeField.floats) ?? attributes.get('value_float')?.floats(attributeField.f);
  if (values === undefined) return undefined;
  const dims = list === undefined ? [] : [values.length];
  const raw = new Uint8Array(values.length * 4);
  const view = new DataView(raw.buffer);
  for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
  return new ProtoMessage()
    .setNumbers(tensorField.dims, dims)
    .setNumber(tensorField.dataType, onnxElementType.FP32)
    .setBytes(tensorField.rawData, raw);
}

/** The attribute `value` of a Constant or ConstantOfShape. */
export const valueAttribute = (tensor: ProtoMessage): ProtoMessage =>
  new ProtoMessage()
    .setText(attributeField.name, 'value')
    .setMessages(attributeField.t, [tensor])
    .setNumber(attributeField.type, attributeType.tensor);
