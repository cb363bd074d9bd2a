/** What a broken or hostile gRPC client writes to its connection: frames, header blocks and messages, whole and spoiled. */
import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { encodeFrame, encodeRstStream, encodeSettings, encodeWindowUpdate } from '../../dist/src/http2/frame-writer.js';
import { encodeHeaderBlock } from '../../dist/src/http2/hpack-encoder.js';
import { CLIENT_PREFACE, frameFlags, frameTypes } from '../../dist/src/http2/protocol-constants.js';
import { grpcMethodPath, grpcMethods } from '../../dist/src/kserve/grpc-service.js';
import { pick, randomBytes, spoil } from './mutations.mjs';
import { fuzzedMessage } from './protobuf-cases.mjs';

const { END_STREAM, END_HEADERS } = frameFlags;
const bomb = gzipSync(Buffer.alloc(4 << 20));

const opening = (random) =>
  Buffer.concat([
    CLIENT_PREFACE,
    encodeSettings(random.int(3) === 0 ? [[4, random.int(2) === 0 ? 0 : 2 ** 31 - 1]] : []),
    encodeWindowUpdate(0, 2 ** 30),
  ]);

function requestHeaders(random) {
  const method = random.int(3) > 0 ? 'ModelInfer' : pick(random, grpcMethods);
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': grpcMethodPath(method),
    ':authority': 'fuzz',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const change = random.int(12);
  if (change === 0) fields['grpc-timeout'] = pick(random, ['1n', '1m', '99999999H', '-1S', '', 'x', '123456789S']);
  if (change === 1) fields['grpc-encoding'] = pick(random, ['gzip', 'deflate', 'snappy', '']);
  if (change === 2) fields['grpc-accept-encoding'] = pick(random, ['gzip', 'deflate,gzip', ',,,', 'x'.repeat(500)]);
  if (change === 3) fields[pick(random, Object.keys(fields))] = randomBytes(random, random.int(40)).toString('latin1');
  if (change === 4) fields[`x-${random.int(99)}`] = 'y'.repeat(random.int(20_000));
  return encodeHeaderBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));
}

function prefixed(random, message) {
  const isPacked = random.int(10) === 0;
  const content = isPacked && random.int(2) === 0 ? bomb : message;
  const bytes = Buffer.alloc(5 + content.length);
  bytes[0] = isPacked ? 1 : random.int(60) === 0 ? random.int(256) : 0;
  bytes.writeUInt32BE(random.int(15) === 0 ? Number(pick(random, [0, 1, 2 ** 31, 2 ** 32 - 1])) : content.length, 1);
  bytes.set(content, 5);
  return bytes;
}

/** HEADERS, with CONTINUATION at times. */
function headerFrames(random, id, block) {
  if (random.int(8) > 0) return [encodeFrame(frameTypes.HEADERS, END_HEADERS, id, block)];
  const cut = random.int(block.length + 1);
  return [
    encodeFrame(frameTypes.HEADERS, 0, id, block.subarray(0, cut)),
    encodeFrame(frameTypes.CONTINUATION, random.int(5) > 0 ? END_HEADERS : 0, id, block.subarray(cut)),
  ];
}

function dataFrames(random, id, body) {
  const frames = [];
  const pieces = 1 + random.int(3);
  for (let piece = 0, at = 0; piece < pieces; piece++) {
    const to = piece === pieces - 1 ? body.length : at + random.int(body.length - at + 1);
    const isLast = piece === pieces - 1 && random.int(12) > 0;
    frames.push(encodeFrame(frameTypes.DATA, isLast ? END_STREAM : 0, id, body.subarray(at, to)));
    at = to;
  }
  return frames;
}

function strayFrame(random) {
  const type = random.int(5) === 0 ? random.int(256) : random.int(10);
  return encodeFrame(type, random.int(256), random.int(40), randomBytes(random, random.int(64)));
}

/** A large request that is given up in its middle, by its client or by its deadline. */
function abandonedUpload(random) {
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': grpcMethodPath('ModelInfer'),
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': pick(random, ['1m', '20m', '5S']),
  };
  const block = encodeHeaderBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));
  const body = Buffer.alloc(50_000 + random.int(400_000), 0xee);
  body[0] = 0;
  body.writeUInt32BE(body.length - 5 + random.int(3) * 1000, 1);
  const frames = [
    encodeFrame(frameTypes.HEADERS, END_HEADERS, 1, block),
    encodeFrame(frameTypes.DATA, random.int(2) === 0 ? END_STREAM : 0, 1, body),
  ];
  const bytes = Buffer.concat([opening(random), ...frames]);
  return { bytes: random.int(3) === 0 ? bytes : bytes.subarray(0, random.int(bytes.length)), requests: 1 };
}

/** Bytes of one connection, and how many requests they stand for. */
export function fuzzedConnection(random) {
  if (random.int(40) === 0) return { bytes: randomBytes(random, 1 + random.int(400)), requests: 1 };
  if (random.int(40) === 0) return abandonedUpload(random);
  const parts = [opening(random)];
  const requests = 1 + random.int(12);
  for (let id = 1; id < 2 * requests; id += 2) {
    const block = requestHeaders(random);
    parts.push(...headerFrames(random, id, random.int(12) === 0 ? spoil(random, block) : block));
    parts.push(...dataFrames(random, id, prefixed(random, fuzzedMessage(random))));
    if (random.int(10) === 0) parts.push(encodeRstStream(id, 'CANCEL'));
    if (random.int(25) === 0) parts.push(strayFrame(random));
  }
  const bytes = Buffer.concat(parts);
  return { bytes: random.int(6) === 0 ? keepPreface(spoil(random, bytes)) : bytes, requests };
}

/** Nothing behind a broken preface would be looked at. */
const keepPreface = (bytes) => Buffer.concat([CLIENT_PREFACE, bytes.subarray(CLIENT_PREFACE.length)]);
