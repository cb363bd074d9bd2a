/** What a broken or hostile HTTP client writes to its connection. */
import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { encodeHttpInferRequest } from '../../dist/src/kserve/http-codec.js';
import { edgeNumbers, pick, randomBytes, spoil } from './mutations.mjs';

const bomb = gzipSync(Buffer.alloc(8 << 20));
const paths = [
  '/v2/models/identity/infer',
  '/v2/models/identity/infer',
  '/v2/models/identity/versions/1/infer',
  '/v2/models/texts/infer',
  '/v2/models/identity/versions/999999999999/infer',
  '/v2/models/..%2f..%2fetc/infer',
  '/v2/models/%ff/infer',
  '/v2/models/identity/config',
  '/v2/repository/index',
  '/v2/repository/models/identity/unload',
  '/v2/logging',
  '/v2/trace/setting',
  '/v2/systemsharedmemory/region/x/register',
  '/v2',
  '/',
  '*',
];

const edge = (random) => Number(pick(random, edgeNumbers));
const oddValues = [null, true, '', [], {}, -1, 1e308, 0.5, '\u0000', [[[[]]]], [1, 'two'], { a: { b: [] } }];
const odd = (random) => (random.int(2) === 0 ? edge(random) : pick(random, oddValues));

function goodBody(random) {
  const input = { name: 'INPUT0', dataType: 'FP32', shape: [1, 16], bytes: randomBytes(random, 64) };
  return encodeHttpInferRequest({ modelName: '', modelVersion: '', id: 'f', inputs: [input], outputNames: [] });
}

/** JSON that says something else than the data behind it. */
function lyingBody(random) {
  const input = {
    name: 'INPUT0',
    datatype: 'FP32',
    shape: [1, 16],
    data: Array.from({ length: 16 }, () => random.next()),
  };
  const document = { id: 'f', inputs: [input], outputs: [{ name: 'OUTPUT0' }], parameters: {} };
  const places = [
    () => Object.assign(input, { shape: Array.from({ length: random.int(5) }, () => edge(random)) }),
    () => Object.assign(input, { shape: odd(random) }),
    () => Object.assign(input, { data: odd(random) }),
    () => Object.assign(input, { datatype: odd(random) }),
    () => Object.assign(input, { data: undefined, parameters: { binary_data_size: odd(random) } }),
    () => Object.assign(input, { parameters: odd(random) }),
    () => Object.assign(document, { inputs: odd(random) }),
    () => Object.assign(document, { outputs: [{ name: odd(random), parameters: { classification: odd(random) } }] }),
    () => Object.assign(document, { parameters: { priority: odd(random), timeout: odd(random) } }),
    () => Object.assign(document, { id: odd(random) }),
  ];
  pick(random, places)();
  const json = Buffer.from(random.int(30) === 0 ? '['.repeat(50_000) : JSON.stringify(document));
  return { body: Buffer.concat([json, randomBytes(random, random.int(80))]), jsonLength: json.length };
}

/** A body in chunks whose sizes may be wrong. */
function chunked(random, body) {
  const parts = [];
  for (let at = 0; at < body.length; ) {
    const count = Math.min(body.length - at, 1 + random.int(64));
    const told =
      random.int(20) === 0
        ? pick(random, ['-1', 'zz', 'ffffffffffffffff', '', (count + 3).toString(16)])
        : count.toString(16);
    parts.push(
      Buffer.from(`${told}\r\n`),
      body.subarray(at, at + count),
      Buffer.from(random.int(40) === 0 ? '' : '\r\n'),
    );
    at += count;
  }
  if (random.int(10) > 0) parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

function oneRequest(random) {
  const made = random.int(2) === 0 ? goodBody(random) : lyingBody(random);
  let body = Buffer.from(made.body);
  if (random.int(4) === 0) body = spoil(random, body);
  const headers = { Host: 'fuzz' };
  const told =
    random.int(6) === 0
      ? pick(random, ['-1', 'x', '', '0', '1e3', '99999999999999999999', `${body.length + 1}`])
      : made.jsonLength;
  if (random.int(8) > 0) headers['Inference-Header-Content-Length'] = told;
  if (random.int(12) === 0) {
    headers['Content-Encoding'] = pick(random, ['gzip', 'deflate', 'br', 'gzip, gzip']);
    body = random.int(3) === 0 ? bomb : random.int(2) === 0 ? gzipSync(body) : body;
  }
  if (random.int(6) === 0) headers['Accept-Encoding'] = pick(random, ['gzip', 'deflate;q=9', 'q=;;,', '*']);
  if (random.int(30) === 0) headers['X-Long'] = 'x'.repeat(20_000);
  if (random.int(5) === 0) {
    headers['Transfer-Encoding'] = 'chunked';
    body = chunked(random, body);
  } else if (random.int(12) > 0) headers['Content-Length'] = body.length;
  else headers['Content-Length'] = pick(random, [0, body.length + 10, Math.max(0, body.length - 10), -5, 2 ** 53]);
  const method = random.int(10) > 0 ? 'POST' : pick(random, ['GET', 'PUT', 'DELETE', 'OPTIONS', 'WHAT']);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${pick(random, paths)} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}

/** Bytes of one connection, and how many requests they stand for. */
export function fuzzedHttpConnection(random) {
  const requests = 1 + random.int(4);
  const bytes = Buffer.concat(Array.from({ length: requests }, () => oneRequest(random)));
  return { bytes: random.int(6) === 0 ? spoil(random, bytes) : bytes, requests };
}
