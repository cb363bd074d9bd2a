/** The requests that a real tritonserver and the engine are compared in; the models are those of models.ts. */
import type { ServerRequest } from './send-requests.js';

const floats = (...values: readonly number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);
const zeros = (count: number): Uint8Array => new Uint8Array(count);

const infer = (model: string): string => `/v2/models/${model}/infer`;
const generate = (model: string): string => `/v2/models/${model}/generate`;

const input = (datatype: string, shape: readonly number[], data: unknown, name = 'INPUT0'): object => ({
  name,
  datatype,
  shape,
  data,
});

const json = (name: string, model: string, body: unknown): ServerRequest => ({
  name,
  path: infer(model),
  body: body as object,
});

const text = (name: string, model: string, body: string): ServerRequest => ({ name, path: infer(model), body });

const raw = (name: string, model: string, body: Uint8Array | string, headers: object = {}): ServerRequest => ({
  name,
  path: infer(model),
  body,
  headers: { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream', ...headers },
});

const rawRequests: readonly ServerRequest[] = [
  raw('raw: fixed shape', 'fixed', floats(...Array.from({ length: 16 }, (_, i) => i))),
  raw('raw: too few bytes', 'fixed', zeros(60)),
  raw('raw: too many bytes', 'fixed', zeros(128)),
  raw('raw: no bytes', 'fixed', zeros(0)),
  raw('raw: open dimension', 'identity', floats(1, 2, 3)),
  raw('raw: open dimension, half an element', 'identity', zeros(10)),
  raw('raw: open dimension, no bytes', 'identity', zeros(0)),
  raw('raw: open dimension beside a fixed one', 'pairs', zeros(12)),
  raw('raw: open dimension beside a fixed one, half a row', 'pairs', zeros(6)),
  raw('raw: without batch', 'plain', floats(1, 2)),
  raw('raw: two open dimensions', 'grid', zeros(16)),
  raw('raw: two inputs', 'add_sub', zeros(64)),
  raw('raw: text', 'text', 'hello'),
  raw('raw: empty text', 'text', ''),
  raw('raw: texts', 'texts', 'hello'),
  raw('raw: unknown model', 'nothing', zeros(4)),
  raw('raw: FP16', 'half', zeros(6)),
  raw('raw: header with spaces', 'identity', floats(1), { 'inference-header-content-length': ' 0 ' }),
  raw('raw: header that is no number', 'identity', floats(1), { 'inference-header-content-length': 'many' }),
  raw('raw: negative header', 'identity', floats(1), { 'inference-header-content-length': '-1' }),
  raw('raw: header beyond the body', 'identity', floats(1), { 'inference-header-content-length': '5' }),
  raw('raw: header with a tail', 'identity', floats(1), { 'inference-header-content-length': '0x' }),
  raw('raw: a version', 'versioned/versions/1', floats(1)),
];

const numbers: readonly ServerRequest[] = [
  json('FP32', 'identity', {
    inputs: [input('FP32', [1, 9], [1, 0.5, -0.5, -3, 2 ** 60, 1024.125, 0.25, 16777216, 100])],
  }),
  text(
    'FP32 that is no number',
    'identity',
    '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],"data":[NaN,Infinity,-Infinity]}]}',
  ),
  text(
    'FP32 spelled Inf',
    'identity',
    '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,2],"data":[Inf,-Inf]}]}',
  ),
  json('FP64', 'double', { inputs: [input('FP64', [1, 7], [1, 0.1, 1e300, 5e-324, 123456789012, 1e21, -1.5e-9])] }),
  text(
    'FP64 negative zero',
    'double',
    '{"inputs":[{"name":"INPUT0","datatype":"FP64","shape":[1,2],"data":[-0.0,-0]}]}',
  ),
  text(
    'INT64',
    'long',
    '{"inputs":[{"name":"INPUT0","datatype":"INT64","shape":[1,3],"data":[9223372036854775807,-9223372036854775808,0]}]}',
  ),
  text(
    'UINT64',
    'unsigned',
    '{"inputs":[{"name":"INPUT0","datatype":"UINT64","shape":[1,1],"data":[18446744073709551615]}]}',
  ),
  json('INT8', 'tiny', { inputs: [input('INT8', [1, 3], [-128, 127, 0])] }),
  json('UINT8', 'byte', { inputs: [input('UINT8', [1, 2], [0, 255])] }),
  json('BOOL', 'flag', { inputs: [input('BOOL', [1, 2], [true, false])] }),
  json('BOOL as numbers', 'flag', { inputs: [input('BOOL', [1, 2], [1, 0])] }),
  json('BYTES', 'texts', { inputs: [input('BYTES', [1, 3], ['', 'a"\\/\n\u0001', 'ä😀'])] }),
  json('BYTES that are numbers', 'texts', { inputs: [input('BYTES', [1, 1], [1])] }),
  json('FP16', 'half', { inputs: [input('FP16', [1, 1], [1])] }),
  json('integer out of range', 'tiny', { inputs: [input('INT8', [1, 1], [300])] }),
  json('integer with a fraction', 'tiny', { inputs: [input('INT8', [1, 1], [1.5])] }),
  json('float as a text', 'identity', { inputs: [input('FP32', [1, 1], ['1'])] }),
  json('nested data', 'identity', {
    inputs: [
      input(
        'FP32',
        [2, 2],
        [
          [1, 2],
          [3, 4],
        ],
      ),
    ],
  }),
  json('unevenly nested data', 'identity', { inputs: [input('FP32', [2, 2], [[1], [2, [3, [4]]]])] }),
];

const binary = (name: string, document: object, tail: Uint8Array, model = 'identity', more = 0): ServerRequest => {
  const head = Buffer.from(JSON.stringify(document));
  return {
    name,
    path: infer(model),
    headers: {
      'inference-header-content-length': String(head.length + more),
      'content-type': 'application/octet-stream',
    },
    body: Buffer.concat([head, tail]),
  };
};
const sized = (size: unknown, shape: readonly number[] = [1, 2], more: object = {}): object => ({
  name: 'INPUT0',
  datatype: 'FP32',
  shape,
  parameters: { binary_data_size: size, ...more },
});

const two = floats(1.5, 2.5);
const binaries: readonly ServerRequest[] = [
  binary('binary: input', { inputs: [sized(8)] }, two),
  binary(
    'binary: output too',
    { id: 'x', inputs: [sized(8)], outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }] },
    two,
  ),
  binary('binary: all outputs', { inputs: [sized(8)], parameters: { binary_data_output: true } }, two),
  binary(
    'binary: all but one',
    { inputs: [sized(8)], parameters: { binary_data_output: true }, outputs: [{ name: 'OUTPUT0' }] },
    two,
  ),
  binary(
    'binary: all outputs, one asked for otherwise',
    {
      inputs: [sized(8)],
      parameters: { binary_data_output: true },
      outputs: [{ name: 'OUTPUT0', parameters: { binary_data: false } }],
    },
    two,
  ),
  binary('binary: too few bytes', { inputs: [sized(8)] }, two.subarray(0, 6)),
  binary('binary: too many bytes', { inputs: [sized(8)] }, floats(1, 2, 3)),
  binary('binary: wrong size for the shape', { inputs: [sized(4)] }, two.subarray(0, 4)),
  binary('binary: negative size', { inputs: [sized(-8)] }, two),
  binary('binary: size as a text', { inputs: [sized('8')] }, two),
  binary('binary: size and data', { inputs: [{ ...sized(8), data: [1, 2] }] }, two),
  binary('binary: no size and no data', { inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 2] }] }, two),
  binary('binary: header into the tensor', { inputs: [sized(8)] }, two, 'identity', 2),
  binary(
    'binary: output with a wrong switch',
    { inputs: [sized(8)], outputs: [{ name: 'OUTPUT0', parameters: { binary_data: 1 } }] },
    two,
  ),
  binary(
    'binary: no elements',
    { inputs: [sized(0, [1, 0])], outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }] },
    zeros(0),
  ),
  binary('binary: FP16 in, JSON out', { inputs: [{ ...sized(2, [1, 1]), datatype: 'FP16' }] }, zeros(2), 'half'),
  binary(
    'binary: classes',
    { inputs: [sized(8)], outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true, classification: 1 } }] },
    two,
  ),
];

const good = input('FP32', [1, 2], [1, 2]);
const documents: readonly ServerRequest[] = [
  json('id', 'identity', { id: 'abc', inputs: [good] }),
  json('id as a number', 'identity', { id: 5, inputs: [good] }),
  json('id of null', 'identity', { id: null, inputs: [good] }),
  json('empty id', 'identity', { id: '', inputs: [good] }),
  json('unknown members', 'identity', { inputs: [good], nothing: [1] }),
  text('no JSON', 'identity', '{"inputs":'),
  text('no JSON at all', 'identity', 'hello'),
  text('text behind the JSON', 'identity', '{"inputs":[]} x'),
  text('a list', 'identity', '[]'),
  text('a number', 'identity', '5'),
  text('empty document', 'identity', '{}'),
  text('empty body', 'identity', ''),
  json('inputs that are no list', 'identity', { inputs: {} }),
  json('an input that is no object', 'identity', { inputs: [5] }),
  json('input without a name', 'identity', { inputs: [{ datatype: 'FP32', shape: [1, 1], data: [1] }] }),
  json('input without a type', 'identity', { inputs: [{ name: 'INPUT0', shape: [1, 1], data: [1] }] }),
  json('input without a shape', 'identity', { inputs: [{ name: 'INPUT0', datatype: 'FP32', data: [1] }] }),
  json('input without data', 'identity', { inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 1] }] }),
  json('name that is no text', 'identity', { inputs: [input('FP32', [1, 1], [1], 5 as unknown as string)] }),
  json('unknown type', 'identity', { inputs: [input('FP31', [1, 1], [1])] }),
  json('negative dimension', 'identity', { inputs: [input('FP32', [1, -1], [1])] }),
  json('dimension with a fraction', 'identity', { inputs: [input('FP32', [1, 1.5], [1])] }),
  json('shape that is no list', 'identity', { inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: 1, data: [1] }] }),
  json('data that is no list', 'identity', { inputs: [input('FP32', [1, 1], 1)] }),
  json('too few values', 'identity', { inputs: [input('FP32', [1, 3], [1])] }),
  json('too many values', 'identity', { inputs: [input('FP32', [1, 1], [1, 2])] }),
  json('null value', 'identity', { inputs: [input('FP32', [1, 1], [null])] }),
  json('no elements', 'identity', { inputs: [input('FP32', [1, 0], [])] }),
  json('wrong rank', 'identity', { inputs: [input('FP32', [2], [1, 2])] }),
  json('wrong size of a dimension', 'fixed', { inputs: [input('FP32', [1, 4], [1, 2, 3, 4])] }),
  json('wrong size of a dimension without batch', 'plain', { inputs: [input('FP32', [1, 4], [1, 2, 3, 4])] }),
  json('no shape', 'identity', { inputs: [input('FP32', [], [1])] }),
  json('too large a batch', 'identity', { inputs: [input('FP32', [9, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9])] }),
  json('wrong type', 'identity', { inputs: [input('INT32', [1, 1], [1])] }),
  json('unknown input', 'identity', { inputs: [input('FP32', [1, 1], [1], 'NO')] }),
  json('input twice', 'identity', { inputs: [good, good] }),
  json('one input too many', 'identity', { inputs: [good, input('FP32', [1, 1], [1], 'NO')] }),
  json('one input too few', 'add_sub', { inputs: [input('INT32', [1, 16], Array(16).fill(1))] }),
  json('unknown output', 'identity', { inputs: [good], outputs: [{ name: 'NO' }] }),
  json('output twice', 'identity', { inputs: [good], outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] }),
  json('output without a name', 'identity', { inputs: [good], outputs: [{}] }),
  json('outputs that are no list', 'identity', { inputs: [good], outputs: {} }),
  json('no outputs asked for', 'identity', { inputs: [good], outputs: [] }),
  json('classes', 'identity', {
    inputs: [input('FP32', [1, 3], [1, 3, 2])],
    outputs: [{ name: 'OUTPUT0', parameters: { classification: 2 } }],
  }),
  json('own parameters', 'identity', { inputs: [good], parameters: { text: 'x', number: 1, yes: true, part: 1.5 } }),
  json('parameter that is a list', 'identity', { inputs: [good], parameters: { list: [1] } }),
  json('parameter that is null', 'identity', { inputs: [good], parameters: { nothing: null } }),
  json('parameters that are a list', 'identity', { inputs: [good], parameters: [] }),
  json('reserved parameter', 'identity', { inputs: [good], parameters: { triton_x: 1 } }),
  json('priority and timeout', 'identity', { inputs: [good], parameters: { priority: 1, timeout: 1000000 } }),
  json('priority as a text', 'identity', { inputs: [good], parameters: { priority: '1' } }),
  json('negative timeout', 'identity', { inputs: [good], parameters: { timeout: -1 } }),
  json('sequence', 'identity', {
    inputs: [good],
    parameters: { sequence_id: 5, sequence_start: true, sequence_end: true },
  }),
  json('sequence of a text', 'identity', { inputs: [good], parameters: { sequence_id: 'abc' } }),
  json('sequence start as a text', 'identity', { inputs: [good], parameters: { sequence_start: 'yes' } }),
  json('binary_data_output as a text', 'identity', { inputs: [good], parameters: { binary_data_output: 'yes' } }),
  json('unknown model', 'nothing', { inputs: [good] }),
  json('unknown version', 'identity/versions/9', { inputs: [good] }),
  json('version 0', 'identity/versions/0', { inputs: [good] }),
  json('version beyond 64 bits', 'identity/versions/99999999999999999999', { inputs: [good] }),
  json('version with leading zeros', 'versioned/versions/001', { inputs: [good] }),
  json('highest version', 'versioned', { inputs: [good] }),
  json('an older version', 'versioned/versions/1', { inputs: [good] }),
  {
    name: 'content type text/plain',
    path: infer('identity'),
    headers: { 'content-type': 'text/plain' },
    body: { inputs: [good] },
  },
  {
    name: 'answer in an unknown encoding',
    path: infer('identity'),
    headers: { 'accept-encoding': 'br' },
    body: { inputs: [good] },
  },
  {
    name: 'unknown content encoding',
    path: infer('identity'),
    headers: { 'content-encoding': 'br' },
    body: { inputs: [good] },
  },
  { name: 'broken gzip', path: infer('identity'), headers: { 'content-encoding': 'gzip' }, body: 'no gzip' },
  {
    name: 'Expect: 100-continue',
    path: infer('identity'),
    headers: { expect: '100-continue' },
    body: { inputs: [good] },
  },
];

const generated: readonly ServerRequest[] = [
  { name: 'generate: a text', path: generate('text'), body: { INPUT0: 'hello' } },
  { name: 'generate: a text with an id', path: generate('text'), body: { id: 'g1', INPUT0: 'hello' } },
  { name: 'generate: texts', path: generate('texts'), body: { INPUT0: ['a', 'b'] } },
  { name: 'generate: one in a list', path: generate('texts'), body: { INPUT0: ['a'] } },
  { name: 'generate: a number', path: generate('identity'), body: { INPUT0: 1.5 } },
  { name: 'generate: numbers', path: generate('identity'), body: { INPUT0: [1, 2, 3] } },
  { name: 'generate: nested numbers', path: generate('identity'), body: { INPUT0: [[1, 2]] } },
  { name: 'generate: integers', path: generate('long'), body: { INPUT0: [1, -2] } },
  { name: 'generate: booleans', path: generate('flag'), body: { INPUT0: [true] } },
  { name: 'generate: without batch', path: generate('plain'), body: { INPUT0: [1, 2] } },
  { name: 'generate: fixed shape', path: generate('fixed'), body: { INPUT0: Array(16).fill(1) } },
  { name: 'generate: two rows of a fixed shape', path: generate('fixed'), body: { INPUT0: Array(32).fill(1) } },
  { name: 'generate: not a fixed shape', path: generate('fixed'), body: { INPUT0: Array(17).fill(1) } },
  { name: 'generate: no elements', path: generate('identity'), body: { INPUT0: [] } },
  { name: 'generate: half a row', path: generate('pairs'), body: { INPUT0: [1, 2, 3] } },
  { name: 'generate: two open dimensions', path: generate('grid'), body: { INPUT0: [1, 2, 3] } },
  {
    name: 'generate: two inputs',
    path: generate('add_sub'),
    body: { INPUT1: Array(16).fill(1), INPUT0: Array(16).fill(2) },
  },
  { name: 'generate: one of two inputs', path: generate('add_sub'), body: { INPUT0: Array(16).fill(2) } },
  { name: 'generate: nothing', path: generate('text'), body: {} },
  { name: 'generate: empty body', path: generate('text'), body: '' },
  { name: 'generate: no JSON', path: generate('text'), body: 'hello' },
  { name: 'generate: a list', path: generate('text'), body: '[]' },
  {
    name: 'generate: parameters',
    path: generate('text'),
    body: { INPUT0: 'x', own: 1, other: 'y', yes: true, part: 0.5 },
  },
  {
    name: 'generate: parameters in their object',
    path: generate('text'),
    body: { INPUT0: 'x', parameters: { own: 1 } },
  },
  { name: 'generate: input among the parameters', path: generate('text'), body: { parameters: { INPUT0: 'x' } } },
  { name: 'generate: parameters that are no object', path: generate('text'), body: { INPUT0: 'x', parameters: 5 } },
  { name: 'generate: parameter that is a list', path: generate('text'), body: { INPUT0: 'x', own: [1] } },
  { name: 'generate: parameter that is an object', path: generate('text'), body: { INPUT0: 'x', own: { a: 1 } } },
  { name: 'generate: reserved parameter', path: generate('text'), body: { INPUT0: 'x', triton_x: 1 } },
  { name: 'generate: parameter like an output', path: generate('text'), body: { INPUT0: 'x', OUTPUT0: 'y' } },
  { name: 'generate: text for a number', path: generate('identity'), body: { INPUT0: 'x' } },
  { name: 'generate: number for a text', path: generate('text'), body: { INPUT0: 1 } },
  { name: 'generate: null', path: generate('text'), body: { INPUT0: null } },
  { name: 'generate: FP16', path: generate('half'), body: { INPUT0: [1] } },
  { name: 'generate: id as a number', path: generate('text'), body: { id: 1, INPUT0: 'x' } },
  { name: 'generate: unknown model', path: generate('nothing'), body: { INPUT0: 'x' } },
  { name: 'generate: a version', path: generate('versioned/versions/1'), body: { INPUT0: 1 } },
  { name: 'generate: unknown version', path: generate('text/versions/9'), body: { INPUT0: 'x' } },
  { name: 'generate: GET', path: generate('text') },
  { name: 'generate: gzip', path: generate('text'), headers: { 'content-encoding': 'gzip' }, body: 'x' },
  { name: 'generate_stream: a text', path: `${generate('text')}_stream`, body: { id: 's1', INPUT0: 'hello' } },
  { name: 'generate_stream: numbers', path: `${generate('identity')}_stream`, body: { INPUT0: [1, 2] } },
  { name: 'generate_stream: no JSON', path: `${generate('text')}_stream`, body: 'hello' },
  {
    name: 'generate_stream: one of two inputs',
    path: `${generate('add_sub')}_stream`,
    body: { INPUT0: Array(16).fill(2) },
  },
  { name: 'generate_stream: GET', path: `${generate('text')}_stream` },
  { name: 'generate_stream: unknown model', path: `${generate('nothing')}_stream`, body: { INPUT0: 'x' } },
];

const ways: readonly ServerRequest[] = [
  ...[
    '/',
    '/v2',
    '/v2/',
    '/v1',
    '/v2/health',
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/health/live/',
    '/v2/health/x',
  ],
  ...[
    '/v2/models',
    '/v2/models/',
    '/v2/models/identity/',
    '/v2/models/identity/nothing',
    '/v2/models/identity/versions',
  ],
  ...['/v2/models/identity/versions/1', '/v2/models/identity/versions/x', '/v2/models/identity/versions/-1'],
  ...[
    '/v2/models/identity/versions/0',
    '/v2/models/identity/versions/99999999999999999999',
    '/v2/models/identity/versions/9/ready',
  ],
  ...[
    '/v2/models/identity/ready',
    '/v2/models/nothing/ready',
    '/v2/models/identity/config',
    '/v2/models/nothing/config',
  ],
  ...[
    '/v2/models/nothing',
    '/v2/models/nothing/stats',
    '/v2/models/identity/versions/9/stats',
    '/v2/models/%69dentity/ready',
  ],
  ...[
    '/v2/models/identity/infer',
    '/v2/models/identity/versions/1/trace/setting',
    '/v2/health/live?x=1',
    '//v2',
    '/V2',
  ],
  ...[
    '/v2/models/versioned',
    '/v2/models/versioned/ready',
    '/v2/models/versioned/versions/3',
    '/v2/models/versioned/versions/2/ready',
  ],
  ...[
    '/v2/repository/index',
    '/v2/repository/models/spare/load',
    '/v2/repository/models/spare/unload',
    '/v2/models/warm/config',
  ],
  ...[
    '/v2/models/text/config',
    '/v2/models/versioned/versions/1/config',
    '/v2/models/versioned/versions/2/config',
    '/v2/models/spare/ready',
  ],
  ...['/v2/models/spare/versions/1/ready', '/v2/models/a b/ready', '/v2/models/%zz/ready', '/metrics', '/favicon.ico'],
].map((path): ServerRequest => ({ name: `GET ${path}`, path: encodeURI(path).replaceAll('%25', '%') }));

const methods: readonly ServerRequest[] = [
  ...[
    '/v2',
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/models/identity',
    '/v2/models/identity/ready',
    '/v2/models/identity/config',
  ].map((path): ServerRequest => ({ name: `POST ${path}`, path, method: 'POST', body: '' })),
  ...['/v2/models/identity/stats', '/v2/models/stats', '/v2/nothing'].map(
    (path): ServerRequest => ({ name: `POST ${path}`, path, method: 'POST', body: '' }),
  ),
  ...[
    '/v2/models/identity/infer',
    '/v2/repository/index',
    '/v2/models/identity',
    '/v2/models/identity/generate',
  ].flatMap((path) =>
    ['PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method): ServerRequest => ({ name: `${method} ${path}`, path, method })),
  ),
  { name: 'metrics by another path', path: '/x', isMetrics: true },
  { name: 'metrics by POST', path: '/metrics', method: 'POST', body: '', isMetrics: true },
];

const index = (name: string, body: unknown = '', repository = ''): ServerRequest => ({
  name,
  path: `/v2/repository${repository}/index`,
  method: 'POST',
  body: body as object,
});
const load = (name: string, model: string, parameters?: object, action = 'load'): ServerRequest => ({
  name,
  path: `/v2/repository/models/${model}/${action}`,
  method: 'POST',
  body: parameters === undefined ? '' : { parameters },
});
const loadBody = (name: string, model: string, body: string): ServerRequest => ({
  name,
  path: `/v2/repository/models/${model}/load`,
  method: 'POST',
  body,
});

/** The config of `spare` in JSON; the backend differs between the two servers, so it is left to a placeholder. */
const spareConfig = (more: object): object => ({
  name: 'spare',
  backend: '$BACKEND',
  max_batch_size: 8,
  input: [{ name: 'INPUT0', data_type: 'TYPE_FP32', dims: [-1] }],
  output: [{ name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [-1] }],
  instance_group: [{ kind: 'KIND_CPU', count: 1 }],
  ...more,
});
const loadSpare = (name: string, config: object): ServerRequest =>
  load(name, 'spare', { config: JSON.stringify(config) });
const spareConfigAnswer = (name: string): ServerRequest => ({ name, path: '/v2/models/spare/config' });

const control: readonly ServerRequest[] = [
  index('index'),
  index('index of the ready ones', { ready: true }),
  index('index of all', { ready: false }),
  index('index with a text', { ready: 'yes' }),
  index('index without JSON', 'hello'),
  index('index of a list', '[]'),
  index('index of a repository', '', '/own'),
  load('load', 'spare'),
  { name: 'ready once loaded', path: '/v2/models/spare/ready' },
  load('load again', 'spare'),
  load('unload', 'spare', undefined, 'unload'),
  load('unload again', 'spare', undefined, 'unload'),
  load('unload an unknown one', 'nothing', undefined, 'unload'),
  load('unload with dependents', 'spare', { unload_dependents: true }, 'unload'),
  load('unload with a text', 'spare', { unload_dependents: 'yes' }, 'unload'),
  load('unload with an unknown parameter', 'spare', { nothing: 1 }, 'unload'),
  { name: 'unload without JSON', path: '/v2/repository/models/spare/unload', method: 'POST', body: 'hello' },
  index('index after unloading'),
  load('load an unknown one', 'nothing'),
  load('load one whose config is unreadable', 'unreadable'),
  load('load one without versions', 'versionless'),
  load('load one that fails', 'failing'),
  index('index after failures'),
  { name: 'ready of one that failed', path: '/v2/models/failing/ready' },
  json('infer with one that failed', 'failing', { inputs: [good] }),
  { name: 'ready after failures', path: '/v2/health/ready' },
  { name: 'ready of a failed one', path: '/v2/models/versionless/ready' },
  { name: 'load of a repository', path: '/v2/repository/own/models/spare/load', method: 'POST', body: '' },
  loadBody('load without JSON', 'spare', 'hello'),
  loadBody('load of a list', 'spare', '[]'),
  loadBody('load of an empty document', 'spare', '{}'),
  loadBody('load with parameters that are a list', 'spare', '{"parameters":[]}'),
  load('load with an unknown parameter', 'spare', { nothing: 'x' }),
  load('load with a number as the config', 'spare', { config: 5 }),
  load('load with a config that is no JSON', 'spare', { config: 'max_batch_size: 4' }),
  load('load with an empty config', 'spare', { config: '' }),
  load('load with a file that is no text', 'spare', { config: '{}', 'file:1/model.py': 5 }),
  load('load with a file and no config', 'spare', { 'file:1/model.py': 'AAAA' }),
  loadSpare('load: snake case', spareConfig({ max_batch_size: 6, version_policy: { latest: { num_versions: 2 } } })),
  spareConfigAnswer('config: snake case'),
  loadSpare('load: camel case', {
    name: 'spare',
    backend: '$BACKEND',
    maxBatchSize: 4,
    input: [{ name: 'INPUT0', dataType: 'TYPE_FP32', dims: ['-1'] }],
    output: [{ name: 'OUTPUT0', dataType: 'TYPE_FP32', dims: ['-1'] }],
    instanceGroup: [{ kind: 'KIND_CPU', count: 1 }],
    dynamicBatching: { preferredBatchSize: [2, 4], maxQueueDelayMicroseconds: '100' },
  }),
  spareConfigAnswer('config: camel case'),
  loadSpare(
    'load: numbers as texts',
    spareConfig({
      max_batch_size: '4',
      input: [{ name: 'INPUT0', data_type: 11, dims: ['-1'] }],
      instance_group: [{ kind: 2, count: '1' }],
      dynamic_batching: { max_queue_delay_microseconds: '250', preserve_ordering: true },
    }),
  ),
  spareConfigAnswer('config: numbers as texts'),
  loadSpare('load: number with a zero fraction', spareConfig({ max_batch_size: 4.0 })),
  loadSpare('load: exponent as a text', spareConfig({ max_batch_size: '4e0' })),
  spareConfigAnswer('config: exponent as a text'),
  loadSpare('load: nulls', spareConfig({ dynamic_batching: null, metric_tags: null, default_model_filename: null })),
  spareConfigAnswer('config: nulls'),
  loadSpare('load: empty message', spareConfig({ dynamic_batching: {} })),
  spareConfigAnswer('config: empty message'),
  loadSpare('load: booleans as texts', spareConfig({ dynamic_batching: { preserve_ordering: 'true' } })),
  spareConfigAnswer('config: booleans as texts'),
  loadSpare('load: one name in both cases', spareConfig({ maxBatchSize: 4 })),
  spareConfigAnswer('config: one name in both cases'),
  loadSpare('load: unknown field', spareConfig({ nothing: 1 })),
  loadSpare('load: unknown enum', spareConfig({ instance_group: [{ kind: 'KIND_TPU' }] })),
  loadSpare('load: wrong type', spareConfig({ max_batch_size: true })),
  loadSpare('load: number beyond 32 bits', spareConfig({ max_batch_size: 2 ** 40 })),
  loadSpare('load: fraction', spareConfig({ max_batch_size: 1.5 })),
  loadSpare('load: text for a list', spareConfig({ input: 'x' })),
  loadSpare('load: another name', spareConfig({ name: 'other' })),
  loadSpare('load: negative batch size', spareConfig({ max_batch_size: -1 })),
  loadSpare(
    'load: parameters',
    spareConfig({
      parameters: { intra_op_thread_count: { string_value: '1' }, enable_mem_arena: { stringValue: 'true' } },
    }),
  ),
  spareConfigAnswer('config: parameters'),
  { name: 'metadata after loading', path: '/v2/models/spare' },
  json('infer after loading', 'spare', { inputs: [good] }),
  load('unload at last', 'spare', undefined, 'unload'),
  json('infer after unloading', 'spare', { inputs: [good] }),
  { name: 'ready after unloading', path: '/v2/models/spare/ready' },
  { name: 'config after unloading', path: '/v2/models/spare/config' },
  { name: 'statistics after unloading', path: '/v2/models/spare/stats' },
];

const grpcInput = { name: 'INPUT0', datatype: 'FP32', shape: [1, 2] };
const call = (name: string, message: object): ServerRequest => ({ name: `grpc ${name}`, call: 'ModelInfer', message });
const one = (more: object = {}): object => ({
  model_name: 'identity',
  inputs: [grpcInput],
  raw_input_contents: [floats(1, 2)],
  ...more,
});

/** service = "abc" in a health check. */
const healthRequest = (service: string): Uint8Array =>
  service === '' ? zeros(0) : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
const health = (service: string): ServerRequest => ({
  name: `grpc health of '${service}'`,
  call: '/grpc.health.v1.Health/Check',
  message: healthRequest(service),
});

const config = (more: object): object => ({
  repository_name: '',
  model_name: 'spare',
  parameters: { config: { string_param: JSON.stringify(spareConfig(more)) } },
});

const grpc: readonly ServerRequest[] = [
  health(''),
  health('inference.GRPCInferenceService'),
  health('nothing'),
  {
    name: 'grpc health of bytes that are none',
    call: '/grpc.health.v1.Health/Check',
    message: Buffer.from([0xff, 0xff]),
  },
  { name: 'grpc health list', call: '/grpc.health.v1.Health/List', message: zeros(0) },
  { name: 'grpc health watch', call: '/grpc.health.v1.Health/Watch', message: zeros(0) },
  { name: 'grpc unknown service', call: '/nothing.Service/Call', message: zeros(0) },
  { name: 'grpc unknown method', call: '/inference.GRPCInferenceService/Nothing', message: zeros(0) },
  {
    name: 'grpc bytes that are none',
    call: '/inference.GRPCInferenceService/ModelInfer',
    message: Buffer.from([0xff, 0xff]),
  },
  call('plain', one()),
  call('with an id', one({ id: 'abc' })),
  call('unknown model', one({ model_name: 'nothing' })),
  call('no model', one({ model_name: '' })),
  call('unknown version', one({ model_version: '9' })),
  call('version that is no number', one({ model_version: 'x' })),
  call('version -1', one({ model_version: '-1' })),
  call('version 0', one({ model_version: '0' })),
  call('version with spaces', one({ model_version: ' 1' })),
  call('no inputs', one({ inputs: [], raw_input_contents: [] })),
  call('no contents', one({ raw_input_contents: [] })),
  call('too few raw contents', {
    model_name: 'add_sub',
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
    raw_input_contents: [zeros(64)],
  }),
  call('too many raw contents', one({ raw_input_contents: [floats(1, 2), floats(1, 2)] })),
  call('raw and typed contents', one({ inputs: [{ ...grpcInput, contents: { fp32_contents: [1, 2] } }] })),
  call(
    'typed contents',
    one({ inputs: [{ ...grpcInput, contents: { fp32_contents: [1, 2] } }], raw_input_contents: [] }),
  ),
  call(
    'typed contents of another type',
    one({ inputs: [{ ...grpcInput, contents: { int_contents: [1, 2] } }], raw_input_contents: [] }),
  ),
  call(
    'too few typed contents',
    one({ inputs: [{ ...grpcInput, contents: { fp32_contents: [1] } }], raw_input_contents: [] }),
  ),
  call('too few bytes', one({ raw_input_contents: [floats(1)] })),
  call('unknown type', one({ inputs: [{ ...grpcInput, datatype: 'FP31' }] })),
  call('negative dimension', one({ inputs: [{ ...grpcInput, shape: [1, -1] }] })),
  call('wrong rank', one({ inputs: [{ ...grpcInput, shape: [2] }] })),
  call('no shape', one({ inputs: [{ ...grpcInput, shape: [] }] })),
  call('batch of nothing', one({ inputs: [{ ...grpcInput, shape: [0, 2] }], raw_input_contents: [zeros(0)] })),
  call('input twice', one({ inputs: [grpcInput, grpcInput], raw_input_contents: [floats(1, 2), floats(1, 2)] })),
  call('unknown input', one({ inputs: [{ ...grpcInput, name: 'NO' }] })),
  call('unknown output', one({ outputs: [{ name: 'NO' }] })),
  call('classes', one({ outputs: [{ name: 'OUTPUT0', parameters: { classification: { int64_param: 1 } } }] })),
  call(
    'own parameters',
    one({ parameters: { a: { string_param: 'x' }, b: { int64_param: 5 }, c: { bool_param: true } } }),
  ),
  call('parameter without a value', one({ parameters: { a: {} } })),
  call('empty final response', one({ parameters: { triton_enable_empty_final_response: { bool_param: true } } })),
  call('binary parameters mean nothing', one({ parameters: { binary_data_output: { bool_param: true } } })),
  call('FP16', {
    model_name: 'half',
    inputs: [{ name: 'INPUT0', datatype: 'FP16', shape: [1, 1] }],
    raw_input_contents: [zeros(2)],
  }),
  call('typed texts', {
    model_name: 'texts',
    inputs: [
      {
        name: 'INPUT0',
        datatype: 'BYTES',
        shape: [1, 2],
        contents: { bytes_contents: [Buffer.from('a'), Buffer.from('')] },
      },
    ],
  }),
  { name: 'grpc ModelReady', call: 'ModelReady', message: { name: 'identity' } },
  { name: 'grpc ModelReady of nothing', call: 'ModelReady', message: { name: 'nothing' } },
  { name: 'grpc ModelReady of no name', call: 'ModelReady', message: {} },
  { name: 'grpc ModelReady of an unknown version', call: 'ModelReady', message: { name: 'identity', version: '9' } },
  { name: 'grpc ModelReady of a bad version', call: 'ModelReady', message: { name: 'identity', version: 'x' } },
  { name: 'grpc ModelMetadata of nothing', call: 'ModelMetadata', message: { name: 'nothing' } },
  { name: 'grpc ModelMetadata of versions', call: 'ModelMetadata', message: { name: 'versioned' } },
  { name: 'grpc ModelConfig of nothing', call: 'ModelConfig', message: { name: 'nothing' } },
  { name: 'grpc ModelStatistics of nothing', call: 'ModelStatistics', message: { name: 'nothing' } },
  {
    name: 'grpc ModelStatistics of an unknown version',
    call: 'ModelStatistics',
    message: { name: 'identity', version: '9' },
  },
  { name: 'grpc RepositoryIndex', call: 'RepositoryIndex', message: {} },
  { name: 'grpc RepositoryIndex of the ready ones', call: 'RepositoryIndex', message: { ready: true } },
  { name: 'grpc RepositoryIndex of a repository', call: 'RepositoryIndex', message: { repository_name: 'own' } },
  { name: 'grpc load of nothing', call: 'RepositoryModelLoad', message: { model_name: 'nothing' } },
  { name: 'grpc load of no name', call: 'RepositoryModelLoad', message: {} },
  { name: 'grpc load of an unreadable config', call: 'RepositoryModelLoad', message: { model_name: 'unreadable' } },
  {
    name: 'grpc load',
    call: 'RepositoryModelLoad',
    message: config({ dynamic_batching: { max_queue_delay_microseconds: '7' } }),
  },
  { name: 'grpc config after loading', call: 'ModelConfig', message: { name: 'spare' } },
  { name: 'grpc load with a bad config', call: 'RepositoryModelLoad', message: config({ nothing: 1 }) },
  {
    name: 'grpc load with an unknown parameter',
    call: 'RepositoryModelLoad',
    message: { model_name: 'spare', parameters: { nothing: { string_param: 'x' } } },
  },
  {
    name: 'grpc load with a config of another type',
    call: 'RepositoryModelLoad',
    message: { model_name: 'spare', parameters: { config: { bool_param: true } } },
  },
  {
    name: 'grpc unload with a parameter of another type',
    call: 'RepositoryModelUnload',
    message: { model_name: 'spare', parameters: { unload_dependents: { string_param: 'x' } } },
  },
  { name: 'grpc unload', call: 'RepositoryModelUnload', message: { model_name: 'spare' } },
  { name: 'grpc unload of nothing', call: 'RepositoryModelUnload', message: { model_name: 'nothing' } },
];

const counts: readonly ServerRequest[] = [
  { name: 'metrics', path: '/metrics', isMetrics: true },
  { name: 'statistics of a model with warm-up', path: '/v2/models/warm/stats' },
  { name: 'grpc statistics of a model with warm-up', call: 'ModelStatistics', message: { name: 'warm' } },
  { name: 'statistics of versions', path: '/v2/models/versioned/stats' },
];

/** In the order in which they are sent to a server that serves everything but `spare`. */
export const requests: readonly ServerRequest[] = [
  ...counts,
  ...rawRequests,
  ...numbers,
  ...binaries,
  ...documents,
  ...generated,
  ...ways,
  ...methods,
  ...grpc,
  ...control,
];

/** Sent to a server that was told to go on although models could not be loaded. */
export const troubledRequests: readonly ServerRequest[] = [
  { name: 'troubled: live', path: '/v2/health/live' },
  { name: 'troubled: ready', path: '/v2/health/ready' },
  { name: 'troubled: grpc live', call: 'ServerLive' },
  { name: 'troubled: grpc ready', call: 'ServerReady' },
  { ...health(''), name: 'troubled: grpc health' },
  { name: 'troubled: a served model', path: '/v2/models/identity/ready' },
  { name: 'troubled: an absent model', path: '/v2/models/nope/ready' },
  { name: 'troubled: a failed model', path: '/v2/models/versionless/ready' },
  { ...json('', 'versionless', { inputs: [good] }), name: 'troubled: infer of a failed model' },
  { ...json('', 'nope', { inputs: [good] }), name: 'troubled: infer of an absent model' },
  { ...json('', 'identity', { inputs: [good] }), name: 'troubled: infer of a served model' },
  index('troubled: index'),
  index('troubled: index of the ready ones', { ready: true }),
  { name: 'troubled: metadata of a failed model', path: '/v2/models/versionless' },
  { name: 'troubled: a model that fails', path: '/v2/models/failing/ready' },
  load('troubled: load of an absent model', 'nope'),
  { name: 'troubled: ready at last', path: '/v2/health/ready' },
];

/** The same, of a server that only lacks a model that is not there. */
export const absentRequests: readonly ServerRequest[] = troubledRequests
  .filter(({ name }) => !name.includes('fail'))
  .map((request) => ({ ...request, name: request.name.replace('troubled', 'absent') }));

/** The same, of a server that says ready whatever is missing. */
export const lenientRequests: readonly ServerRequest[] = troubledRequests
  .slice(0, 8)
  .map((request) => ({ ...request, name: request.name.replace('troubled', 'lenient') }));

/** The requests with the name of the server's backend in the configs that they carry. */
export const forBackend = (list: readonly ServerRequest[], backend: string): readonly ServerRequest[] =>
  list.map((request) => {
    if ('call' in request) {
      if (request.message === undefined || request.message instanceof Uint8Array) return request;
      return { ...request, message: withBackend(request.message, backend) };
    }
    const { body } = request;
    if (body === undefined || body instanceof Uint8Array) return request;
    return {
      ...request,
      body: typeof body === 'string' ? body.replaceAll('$BACKEND', backend) : withBackend(body, backend),
    };
  });

/** Bytes in it stay what they are. */
function withBackend<T>(value: T, backend: string): T {
  if (typeof value === 'string') return value.replaceAll('$BACKEND', backend) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((element) => withBackend(element, backend)) as T;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withBackend(member, backend)])) as T;
}
