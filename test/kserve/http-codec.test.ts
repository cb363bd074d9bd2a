import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataType } from '../../src/kserve/data-types.js';
import {
  decodeHttpInferResponse,
  encodeHttpInferRequest,
  encodeHttpInferResponse,
} from '../../src/kserve/http-codec.js';
import { decodeHttpInferRequest } from '../../src/kserve/http-request-decoder.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import { extendedRequest, inferRequest, inferResponse, lengthPrefixed } from './arbitrary-tensor.js';

const comparable = (tensors: readonly Tensor[]): object[] => tensors.map((t) => ({ ...t, bytes: [...t.bytes] }));
const noneBinary = { byDefault: false, byName: new Map<string, boolean>() };
const json = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document));

const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 1 as unknown);

const decodeOne = (input: object): Tensor => decodeHttpInferRequest(json({ inputs: [input] }), undefined).inputs[0]!;

describe('a request with binary data', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(inferRequest, (message) => {
        const { body, jsonLength } = encodeHttpInferRequest(message);
        const decoded = decodeHttpInferRequest(body, jsonLength);
        expect(decoded.id).toBe(message.id);
        expect(decoded.outputNames).toEqual(message.outputNames);
        expect(comparable(decoded.inputs)).toEqual(comparable(message.inputs));
      }),
    );
  });

  it('carries parameters, shared memory and classification, as they were given', () => {
    fc.assert(
      fc.property(extendedRequest, (message) => {
        const { priority = 0 } = message.parameters ?? {};
        fc.pre(Number.isInteger(priority) && Number(priority) >= 0);
        const { body, jsonLength } = encodeHttpInferRequest(message);
        const decoded = decodeHttpInferRequest(body, jsonLength);
        const { inputs, outputs, parameters } = decoded;
        expect({ inputs: comparable(inputs), outputs, parameters }).toEqual({
          inputs: comparable(message.inputs),
          outputs: message.outputs,
          parameters: message.parameters,
        });
      }),
    );
  });

  it('asks for binary outputs, by name or all', () => {
    const base = { modelName: 'm', modelVersion: '', id: '', inputs: [] };
    const named = encodeHttpInferRequest({ ...base, outputNames: ['y'] });
    expect(decodeHttpInferRequest(named.body, named.jsonLength).binaryOutputs).toEqual({
      byDefault: false,
      byName: new Map([['y', true]]),
    });
    const all = encodeHttpInferRequest({ ...base, outputNames: [] });
    expect(decodeHttpInferRequest(all.body, all.jsonLength).binaryOutputs.byDefault).toBe(true);
  });

  it.each([
    ['a size beyond the body', { binary_data_size: 5 }, 4, 'expecting 1 additional bytes'],
    ['a negative size', { binary_data_size: -1 }, 4, 'non-unsigned-integer'],
    ['a fractional size', { binary_data_size: 1.5 }, 4, 'non-unsigned-integer'],
    ['a size that is no number', { binary_data_size: '4' }, 4, 'non-unsigned-integer'],
    ['bytes that no input claims', { binary_data_size: 2 }, 4, 'unexpected additional input data'],
  ])('is refused for %s', (_, parameters, tailBytes, message) => {
    const head = json({ inputs: [{ name: 'x', datatype: 'INT8', shape: [4], parameters }] });
    const body = Buffer.concat([head, Buffer.alloc(tailBytes)]);
    expect(() => decodeHttpInferRequest(body, head.byteLength)).toThrow(message);
  });

  it('is refused when the header says the JSON is longer than the body', () => {
    expect(() => decodeHttpInferRequest(json({}), 1000)).toThrow('Inference-Header-Content-Length is 1000');
  });
});

describe('a request in JSON', () => {
  it.each<[DataType, number[], unknown, number[]]>([
    ['BOOL', [2], [true, false], [1, 0]],
    ['INT8', [2], [-1, 5], [255, 5]],
    ['UINT16', [1], [65535], [255, 255]],
    ['FP32', [2, 1], [[1], [0]], [0, 0, 128, 63, 0, 0, 0, 0]],
    ['BYTES', [2], ['ab', ''], [2, 0, 0, 0, 97, 98, 0, 0, 0, 0]],
    ['UINT8', [2, 2], [[1], [2, [3, [4]]]], [1, 2, 3, 4]],
    ['FP64', [], [1], [0, 0, 0, 0, 0, 0, 240, 63]],
    ['INT32', [0, 3], [], []],
  ])('of %s and shape %j is read, flat or nested', (datatype, shape, data, expected) => {
    expect([...decodeOne({ name: 'x', datatype, shape, data }).bytes]).toEqual(expected);
  });

  it('keeps every digit of 64-bit integers', () => {
    const document =
      '{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[9223372036854775807,-9223372036854775808]}]}';
    const { inputs } = decodeHttpInferRequest(Buffer.from(document), undefined);
    const bytes = Buffer.from(inputs[0]!.bytes);
    expect([bytes.readBigInt64LE(0), bytes.readBigInt64LE(8)]).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
  });

  it('may hold NaN and Infinity, as Python writes them, but not inside texts', () => {
    const document =
      '{"id":"NaN","inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[NaN,-Infinity,Infinity]}]}';
    const { id, inputs } = decodeHttpInferRequest(Buffer.from(document), undefined);
    const bytes = Buffer.from(inputs[0]!.bytes);
    expect(id).toBe('NaN');
    expect([0, 4, 8].map((offset) => bytes.readFloatLE(offset))).toEqual([Number.NaN, -Infinity, Infinity]);
  });

  it.each<[string, object, string]>([
    ['Shape does not match true shape', { datatype: 'FP32', shape: [2], data: [1] }, 'Shape does not match true shape'],
    ['too many values', { datatype: 'FP32', shape: [1], data: [1, 2] }, 'Shape does not match true shape'],
    ['endless nesting', { datatype: 'FP32', shape: [1], data: nested(1000) }, 'Shape does not match true shape'],
    ['no data', { datatype: 'FP32', shape: [1] }, 'But no field is set'],
    ['a text for a number', { datatype: 'FP32', shape: [1], data: ['1'] }, 'non-number as double'],
    ['an object for a number', { datatype: 'FP32', shape: [1], data: [{ exactNumber: 'x' }] }, 'non-number as double'],
    ['null for a number', { datatype: 'FP32', shape: [1], data: [null] }, 'non-number as double'],
    ['a fraction for an integer', { datatype: 'INT32', shape: [1], data: [1.5] }, 'non-signed-integer'],
    ['a value out of range', { datatype: 'UINT8', shape: [1], data: [256] }, '256 is out of range'],
    ['a number for BYTES', { datatype: 'BYTES', shape: [1], data: [1] }, 'non-string as string'],
    ['FP16', { datatype: 'FP16', shape: [1], data: [1] }, 'receiving FP16 data via JSON is not supported'],
    ['an unknown data type', { datatype: 'WAT', shape: [1], data: [1] }, 'invalid datatype for input x'],
    ['a negative dimension', { datatype: 'FP32', shape: [-1], data: [1] }, 'non-unsigned-integer'],
    ['an overflowing shape', { datatype: 'FP32', shape: [2 ** 40, 2 ** 40], data: [1] }, 'too many elements'],
    [
      'a shape that reserves gigabytes',
      { datatype: 'FP64', shape: [2 ** 33], data: [1] },
      'Shape does not match true shape',
    ],
    ['too many dimensions', { datatype: 'FP32', shape: Array(65).fill(1), data: [1] }, 'more than 64 dimensions'],
    ['a shape that is no list', { datatype: 'FP32', shape: 4, data: [1] }, 'non-array as array'],
    ['a shape of texts', { datatype: 'FP32', shape: ['4'], data: [1] }, 'non-unsigned-integer'],
  ])('is refused for %s', (_, input, message) => {
    expect(() => decodeOne({ name: 'x', ...input })).toThrow(message);
  });

  it.each(['', '[1]', '{"inputs":5}', '{"inputs":[{', '{}', 'null', '{"inputs":[null]}', '{"inputs":[NaN]}'])(
    'is refused for the document %j',
    (text) => {
      expect(() => decodeHttpInferRequest(Buffer.from(text), undefined)).toThrow(ProtocolError);
    },
  );

  it.each<[string, object, string]>([
    ['a parameter that is a list', { parameters: { foo: [1] } }, "parameter 'foo' has invalid type"],
    ['a parameter beyond 2^53', { parameters: { foo: 2 ** 60 } }, "parameter 'foo' is a whole number beyond 2^53"],
    [
      'a class count that is a text',
      { outputs: [{ name: 'y', parameters: { classification: 'x' } }] },
      'classification',
    ],
    ['a negative class count', { outputs: [{ name: 'y', parameters: { classification: -1 } }] }, 'classification'],
    [
      'an input with data and a shared memory region',
      {
        inputs: [
          {
            name: 'x',
            datatype: 'FP32',
            shape: [1],
            data: [1],
            parameters: { shared_memory_region: 'r', shared_memory_byte_size: 4 },
          },
        ],
      },
      "But set 'data' 'shared_memory_region'",
    ],
  ])('is refused for %s', (_, document, message) => {
    expect(() => decodeHttpInferRequest(json({ inputs: [], ...document }), undefined)).toThrow(message);
  });

  it('asks for the tensor itself with a class count of 0', () => {
    const outputs = [{ name: 'y', parameters: { classification: 0 } }];
    const decoded = decodeHttpInferRequest(json({ inputs: [], outputs }), undefined);
    expect([decoded.outputNames, decoded.outputs]).toEqual([['y'], undefined]);
  });

  it('of any text is decoded or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.json(), fc.option(fc.nat(50), { nil: undefined }), (text, length) => {
        try {
          decodeHttpInferRequest(Buffer.from(`{"inputs":[${text}]}`), length);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

describe('a response', () => {
  it('with binary data comes back as it was sent', () => {
    fc.assert(
      fc.property(inferResponse, (message) => {
        const { body, jsonLength } = encodeHttpInferResponse(message);
        const decoded = decodeHttpInferResponse(body, jsonLength);
        expect({ ...decoded, outputs: comparable(decoded.outputs) }).toEqual({
          ...message,
          outputs: comparable(message.outputs),
        });
      }),
    );
  });

  it('in JSON carries every value exactly, NaN and -0 and 64-bit integers included', () => {
    const eightBytes = fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        eightBytes,
        fc.constantFrom<DataType>('INT64', 'UINT64', 'FP64', 'INT8', 'UINT32'),
        (parts, dataType) => {
          const bytes = Buffer.concat(parts);
          const size = dataType === 'INT8' ? 1 : dataType === 'UINT32' ? 4 : 8;
          const tensor: Tensor = { name: 'y', dataType, shape: [bytes.length / size], bytes };
          const { body, jsonLength } = encodeHttpInferResponse(
            { modelName: 'm', modelVersion: '1', id: '', outputs: [tensor] },
            noneBinary,
          );
          expect(jsonLength).toBeUndefined();
          const back = Buffer.from(decodeHttpInferResponse(body, undefined).outputs[0]!.bytes);
          if (dataType !== 'FP64') expect(back).toEqual(bytes);
          // A NaN keeps being one, but not its payload.
          else for (let i = 0; i < bytes.length; i += 8) expect(back.readDoubleLE(i)).toBe(bytes.readDoubleLE(i));
        },
      ),
    );
  });

  it('in JSON carries texts, and refuses bytes that are none', () => {
    const outputs = (element: Uint8Array): Tensor[] => [
      { name: 'y', dataType: 'BYTES', shape: [1], bytes: lengthPrefixed([element]) },
    ];
    const message = { modelName: 'm', modelVersion: '1', id: '' };
    const { body } = encodeHttpInferResponse({ ...message, outputs: outputs(Buffer.from('é"\n')) }, noneBinary);
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ outputs: [{ data: ['é"\n'] }] });
    expect(() => encodeHttpInferResponse({ ...message, outputs: outputs(Uint8Array.of(0xff)) }, noneBinary)).toThrow(
      'ask for binary data',
    );
  });

  it('mixes binary and JSON outputs as asked', () => {
    const tensor = (name: string): Tensor => ({ name, dataType: 'INT8', shape: [1], bytes: Uint8Array.of(7) });
    const { body, jsonLength } = encodeHttpInferResponse(
      { modelName: 'm', modelVersion: '1', id: 'i', outputs: [tensor('a'), tensor('b')] },
      { byDefault: false, byName: new Map([['b', true]]) },
    );
    expect(JSON.parse(Buffer.from(body.subarray(0, jsonLength)).toString())).toEqual({
      id: 'i',
      model_name: 'm',
      model_version: '1',
      outputs: [
        { name: 'a', datatype: 'INT8', shape: [1], data: [7] },
        { name: 'b', datatype: 'INT8', shape: [1], parameters: { binary_data_size: 1 } },
      ],
    });
    expect([...body.subarray(jsonLength)]).toEqual([7]);
  });
});
