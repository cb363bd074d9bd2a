/** Ways to spoil bytes, and values that programs trip over. Everything comes from the given random numbers. */
import { Buffer } from 'node:buffer';

export const pick = (random, list) => list[random.int(list.length)];

export function randomBytes(random, length) {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = random.int(256);
  return bytes;
}

/** Dimensions, sizes and offsets at the edges of what integers hold. */
export const edgeNumbers = [
  0n,
  1n,
  -1n,
  2n,
  17n,
  255n,
  65_536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 31n),
  -(2n ** 63n),
];

const spoilers = [
  (random, bytes) => {
    bytes[random.int(bytes.length)] = random.int(256);
    return bytes;
  },
  (random, bytes) => {
    bytes[random.int(bytes.length)] ^= 1 << random.int(8);
    return bytes;
  },
  (random, bytes) => bytes.subarray(0, random.int(bytes.length)),
  (random, bytes) => bytes.subarray(random.int(bytes.length)),
  (random, bytes) => {
    const at = random.int(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), randomBytes(random, 1 + random.int(9)), bytes.subarray(at)]);
  },
  (random, bytes) => {
    const [from, to] = [random.int(bytes.length), random.int(bytes.length)].sort((a, b) => a - b);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  // A varint that never ends, or one of the largest value.
  (random, bytes) => {
    const at = random.int(bytes.length);
    const varint = Buffer.alloc(9 + random.int(3), 0xff);
    if (random.int(2) === 0) varint[varint.length - 1] = 1;
    return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at + 1)]);
  },
];

/** A copy of `bytes` with one to four faults. */
export function spoil(random, bytes) {
  let spoiled = Buffer.from(bytes);
  for (let count = 1 + random.int(4); count > 0 && spoiled.length > 0; count--) {
    spoiled = Buffer.from(pick(random, spoilers)(random, spoiled));
  }
  return spoiled;
}
