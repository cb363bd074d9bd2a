/** Protobuf messages that no client of good will would send: valid ones spoiled, and ones that lie about their tensors. */
import { Buffer } from 'node:buffer';
import { encodeInferRequest } from '../../dist/src/kserve/infer-codec.js';
import { edgeNumbers, pick, randomBytes, spoil } from './mutations.mjs';

const varint = (value) => {
  const bytes = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
};
const bytesField = (id, bytes) => Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes]);
const textField = (id, text) => bytesField(id, Buffer.from(text, 'utf8'));

const models = ['identity', 'texts', 'doubled', 'nothing', '', '../identity', 'identity/1', '\u0000', 'x'.repeat(3000)];
const types = ['FP32', 'FP64', 'BYTES', 'INT64', 'BOOL', 'FP16', 'fp32', '', 'NONE'];

function lyingInput(random) {
  const dims = Array.from({ length: random.int(6) }, () => varint(pick(random, edgeNumbers)));
  const parts = [textField(1, pick(random, ['INPUT0', 'INPUT0', 'INPUT0', 'INPUT1', '']))];
  parts.push(textField(2, pick(random, types)), bytesField(3, Buffer.concat(dims)));
  // Typed contents beside or instead of raw ones: packed floats whose length is no multiple of four, and the like.
  if (random.int(3) === 0)
    parts.push(bytesField(5, bytesField(1 + random.int(8), randomBytes(random, random.int(40)))));
  return bytesField(5, Buffer.concat(parts));
}

/** BYTES elements whose lengths reach beyond the end, or past what 32 bits hold. */
function lyingTexts(random) {
  const bytes = randomBytes(random, 4 + random.int(60));
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, pick(random, edgeNumbers))), 0);
  return bytes;
}

function lyingRequest(random) {
  const parts = [textField(1, pick(random, models))];
  if (random.int(3) === 0) parts.push(textField(2, pick(random, ['1', '99999999999999999999', '-1', 'x'])));
  for (let count = random.int(4); count > 0; count--) parts.push(lyingInput(random));
  for (let count = random.int(3); count > 0; count--) parts.push(bytesField(6, textField(1, pick(random, models))));
  for (let count = random.int(4); count > 0; count--) {
    parts.push(bytesField(7, random.int(2) === 0 ? lyingTexts(random) : randomBytes(random, random.int(300))));
  }
  return Buffer.concat(parts);
}

const goodRequest = (random) =>
  encodeInferRequest({
    modelName: 'identity',
    modelVersion: '',
    id: `fuzz ${random.int(1000)}`,
    inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1, 16], bytes: randomBytes(random, 64) }],
    outputNames: [],
  });

/** The bytes of one message. */
export function fuzzedMessage(random) {
  const kind = random.int(8);
  if (kind === 0) return randomBytes(random, random.int(300));
  if (kind === 1) return goodRequest(random);
  if (kind <= 3) return lyingRequest(random);
  return spoil(random, kind <= 5 ? goodRequest(random) : lyingRequest(random));
}
