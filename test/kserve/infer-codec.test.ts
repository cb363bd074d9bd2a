import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageType } from '../../src/kserve/grpc-service.js';
import {
  decodeInferRequest,
  decodeInferResponse,
  decodeStreamInferMessage,
  encodeInferRequest,
  encodeInferResponse,
  encodeStreamInferMessage,
} from '../../src/kserve/infer-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import { extendedRequest, inferRequest, inferResponse, requestParameters, tensorOf } from './arbitrary-tensor.js';

const requestType = messageType('ModelInferRequest');
const responseType = messageType('ModelInferResponse');

const describeTensor = ({ name, dataType, shape }: Tensor): object => ({ name, datatype: dataType, shape });

/** Tensors with plain arrays for bytes, so that views and copies compare equal. */
const comparable = (tensors: readonly Tensor[]): object[] => tensors.map((t) => ({ ...t, bytes: [...t.bytes] }));

describe('the codec of ModelInferRequest', () => {
  it('writes what protobufjs reads as the same message', () => {
    fc.assert(
      fc.property(inferRequest, (message) => {
        const decoded = requestType.toObject(requestType.decode(encodeInferRequest(message)), {
          longs: Number,
          defaults: true,
        });
        expect(decoded).toMatchObject({
          model_name: message.modelName,
          model_version: message.modelVersion,
          id: message.id,
          inputs: message.inputs.map(describeTensor),
          outputs: message.outputNames.map((name) => ({ name })),
        });
        expect(decoded.raw_input_contents).toEqual(message.inputs.map(({ bytes }) => Buffer.from(bytes)));
      }),
    );
  });

  it('reads what protobufjs writes, packed or not, with parameters and unknown fields around it', () => {
    fc.assert(
      fc.property(inferRequest, (message) => {
        const encoded = requestType
          .encode(
            requestType.fromObject({
              model_name: message.modelName,
              model_version: message.modelVersion,
              id: message.id,
              parameters: { sequence_id: { int64_param: 5 } },
              inputs: message.inputs.map((tensor) => ({
                ...describeTensor(tensor),
                parameters: { hint: { string_param: 'x' } },
              })),
              outputs: message.outputNames.map((name) => ({ name })),
              raw_input_contents: message.inputs.map(({ bytes }) => bytes),
            }),
          )
          .finish();
        const unknown = Buffer.from([0xf8, 0x06, 0x96, 0x01, 0xf2, 0x06, 0x02, 1, 2, 0xfd, 0x06, 1, 2, 3, 4]);
        const decoded = decodeInferRequest(Buffer.concat([unknown, encoded, unknown]));
        expect({ ...decoded, inputs: comparable(decoded.inputs) }).toEqual({
          ...message,
          inputs: comparable(message.inputs),
          parameters: { sequence_id: 5 },
        });
      }),
    );
  });

  it('carries parameters, shared memory and classification, as they were given', () => {
    fc.assert(
      fc.property(extendedRequest, (message) => {
        const decoded = decodeInferRequest(encodeInferRequest(message));
        expect({ ...decoded, inputs: comparable(decoded.inputs) }).toEqual({
          ...message,
          inputs: comparable(message.inputs),
        });
      }),
    );
  });

  it('writes parameters that protobufjs reads with their types', () => {
    const parameters = { text: '', whole: -5, part: 0.5, yes: true, no: false };
    const encoded = encodeInferRequest({
      modelName: 'm',
      modelVersion: '',
      id: '',
      parameters,
      inputs: [
        {
          name: 'x',
          dataType: 'FP32',
          shape: [1],
          bytes: new Uint8Array(0),
          sharedMemory: { region: 'r', offsetBytes: 8, byteSize: 4 },
        },
      ],
      outputNames: ['y'],
      outputs: [{ name: 'y', classificationCount: 3 }],
    });
    expect(requestType.toObject(requestType.decode(encoded), { longs: Number })).toEqual({
      model_name: 'm',
      parameters: {
        text: { string_param: '' },
        whole: { int64_param: -5 },
        part: { double_param: 0.5 },
        yes: { bool_param: true },
        no: { bool_param: false },
      },
      inputs: [
        {
          name: 'x',
          datatype: 'FP32',
          shape: [1],
          parameters: {
            shared_memory_region: { string_param: 'r' },
            shared_memory_byte_size: { int64_param: 4 },
            shared_memory_offset: { int64_param: 8 },
          },
        },
      ],
      outputs: [{ name: 'y', parameters: { classification: { int64_param: 3 } } }],
    });
  });

  it('reads every type of parameter that protobufjs writes', () => {
    const message = {
      parameters: {
        a: { uint64_param: 7 },
        b: { int64_param: -7 },
        c: { double_param: 2 },
        d: { bool_param: false },
        __proto__x: { string_param: 's' },
      },
    };
    const encoded = requestType.encode(requestType.fromObject(message)).finish();
    expect(decodeInferRequest(encoded).parameters).toEqual({ a: 7, b: -7, c: 2, d: false, __proto__x: 's' });
  });

  it('has no member for parameters and outputs when there are none', () => {
    const plain = { modelName: 'm', modelVersion: '', id: '', inputs: [], outputNames: ['y'] };
    expect(Object.keys(decodeInferRequest(encodeInferRequest(plain)))).toEqual(Object.keys(plain));
  });

  it('gives raw tensors as views, not copies', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const encoded = encodeInferRequest({
      modelName: 'm',
      modelVersion: '',
      id: '',
      inputs: [{ name: 'x', dataType: 'FP32', shape: [1], bytes }],
      outputNames: [],
    });
    expect(decodeInferRequest(encoded).inputs[0]?.bytes.buffer).toBe(encoded.buffer);
  });
});

describe('typed contents', () => {
  const decodeTyped = (datatype: string, shape: number[], contents: object): number[] => {
    const message = { model_name: 'm', inputs: [{ name: 'x', datatype, shape, contents }] };
    const encoded = requestType.encode(requestType.fromObject(message)).finish();
    return [...decodeInferRequest(encoded).inputs[0]!.bytes];
  };

  it.each([
    ['BOOL', { bool_contents: [true, false] }, [1, 0]],
    ['INT8', { int_contents: [-1, 127] }, [255, 127]],
    ['INT16', { int_contents: [-2, 258] }, [254, 255, 2, 1]],
    ['INT32', { int_contents: [-3, 1] }, [253, 255, 255, 255, 1, 0, 0, 0]],
    ['INT64', { int64_contents: [-1] }, [255, 255, 255, 255, 255, 255, 255, 255]],
    ['UINT8', { uint_contents: [200] }, [200]],
    ['UINT16', { uint_contents: [65535] }, [255, 255]],
    ['UINT32', { uint_contents: [4294967295] }, [255, 255, 255, 255]],
    ['UINT64', { uint64_contents: [1] }, [1, 0, 0, 0, 0, 0, 0, 0]],
    ['FP32', { fp32_contents: [1] }, [0, 0, 128, 63]],
    ['FP64', { fp64_contents: [1] }, [0, 0, 0, 0, 0, 0, 240, 63]],
    ['BYTES', { bytes_contents: [Buffer.from('ab'), Buffer.alloc(0)] }, [2, 0, 0, 0, 97, 98, 0, 0, 0, 0]],
  ])('of %s become raw little-endian bytes', (dataType, contents, expected) => {
    expect(decodeTyped(dataType, [2], contents)).toEqual(expected);
  });

  it.each([
    ['FP16', { fp32_contents: [1] }, 'must be sent as raw bytes'],
    ['FP32', { int_contents: [1] }, "unexpected explicit tensor data for input tensor 'x'"],
    ['INT8', { int_contents: [128] }, 'INT8 cannot hold'],
    ['UINT8', { uint_contents: [256] }, 'UINT8 cannot hold'],
    ['INT16', { int_contents: [-40000] }, 'INT16 cannot hold'],
  ])('of %s are refused when they do not fit: %j', (dataType, contents, message) => {
    expect(() => decodeTyped(dataType, [1], contents)).toThrow(message);
  });

  it('beside raw contents are refused', () => {
    const message = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1], contents: { fp32_contents: [1] } }],
      raw_input_contents: [Buffer.alloc(4)],
    };
    const encoded = requestType.encode(requestType.fromObject(message)).finish();
    expect(() => decodeInferRequest(encoded)).toThrow(
      "contents field must not be specified when using raw_input_contents for 'x'",
    );
  });
});

describe('a hostile request', () => {
  const good = encodeInferRequest({
    modelName: 'model',
    modelVersion: '1',
    id: 'id',
    inputs: [{ name: 'x', dataType: 'FP32', shape: [1, 4], bytes: new Uint8Array(16) }],
    outputNames: ['y'],
  });

  /** Decoding ends in a message or a ProtocolError; anything else is a crash. */
  const decodes = (bytes: Uint8Array): boolean => {
    try {
      decodeInferRequest(bytes);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      return false;
    }
  };

  it('cut off anywhere inside a field is refused', () => {
    expect(decodes(good)).toBe(true);
    const lengths = Array.from({ length: good.length - 1 }, (_, index) => index + 1);
    const accepted = lengths.filter((length) => decodes(good.subarray(0, length)));
    // Between two fields the rest may be a whole message; all of these lack the raw contents or come before the input.
    expect(accepted).toEqual([7, 10, 14]);
  });

  it('of any bytes is decoded or refused, never a crash', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodes(bytes)));
  });

  it('made by changing bytes of a good one is decoded or refused, never a crash', () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(good);
        for (const [index, value] of changes) bytes[index] = value;
        decodes(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a length beyond the end', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 1], 'reaches past the end'],
    ['a length beyond 32 bits', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'reaches past the end'],
    ['an eleven-byte number', [0x08, ...Array<number>(10).fill(0x80), 1], 'longer than ten bytes'],
    ['field number zero', [0x00], 'not a field tag'],
    ['a group', [0x0b, 0x0c], 'wire type 3'],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decodeInferRequest(Uint8Array.from(bytes))).toThrow(message);
  });

  it.each([
    ['a negative dimension', [-1], 'is not a dimension'],
    ['more elements than can be counted', [2 ** 40, 2 ** 40], 'too many elements'],
    ['too many dimensions', Array<number>(65).fill(1), 'more than 64 dimensions'],
  ])('with %s is refused', (_, shape, message) => {
    const tensor: Tensor = { name: 'x', dataType: 'FP32', shape, bytes: new Uint8Array(4) };
    const encoded = encodeInferRequest({ modelName: '', modelVersion: '', id: '', inputs: [tensor], outputNames: [] });
    expect(() => decodeInferRequest(encoded)).toThrow(message);
  });

  const region = { shared_memory_region: { string_param: 'r' } };
  const sized = (size: object, offset: object = { int64_param: 0 }): object => ({
    ...region,
    shared_memory_byte_size: size,
    shared_memory_offset: offset,
  });

  it.each<[string, object, string]>([
    ['no size', region, "'shared_memory_byte_size' must be specified"],
    ['a region that is no text', { shared_memory_region: { int64_param: 1 } }, "'shared_memory_region' parameter"],
    ['a size that is no number', sized({ string_param: '4' }), "'shared_memory_byte_size' parameter"],
    ['an offset that is no number', sized({ int64_param: 4 }, { bool_param: true }), "'shared_memory_offset'"],
    ['a negative size', sized({ int64_param: -4 }), 'Invalid offset + byte size'],
    ['a negative offset', sized({ int64_param: 4 }, { int64_param: -1 }), 'Invalid offset + byte size'],
    ['sizes that overflow', sized({ uint64_param: '18446744073709551615' }), 'Invalid offset + byte size'],
    ['a parameter without a value', { anything: {} }, "invalid value type for 'anything' parameter"],
  ])('whose input refers to shared memory with %s is refused', (_, parameters, message) => {
    const document = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1], parameters }] };
    const encoded = requestType.encode(requestType.fromObject(document)).finish();
    expect(() => decodeInferRequest(encoded)).toThrow(message);
  });

  it.each<[string, object, string]>([
    ['a count that is no number', { classification: { string_param: '3' } }, "invalid value type for 'classification'"],
    ['a count of 0', { classification: { int64_param: 0 } }, 'expected >= 0'],
    ['both classes and shared memory', { ...sized({ int64_param: 4 }), classification: { int64_param: 3 } }, 'both'],
  ])('whose output asks for %s is refused', (_, parameters, message) => {
    const document = { outputs: [{ name: 'y', parameters }] };
    const encoded = requestType.encode(requestType.fromObject(document)).finish();
    expect(() => decodeInferRequest(encoded)).toThrow(message);
  });

  it('with a number that cannot be kept exactly among its parameters is refused', () => {
    const document = { parameters: { a: { uint64_param: '18446744073709551615' } } };
    const encoded = requestType.encode(requestType.fromObject(document)).finish();
    expect(() => decodeInferRequest(encoded)).toThrow("parameter 'a' is a whole number beyond 2^53");
  });
});

describe('the codec of ModelInferResponse', () => {
  it('writes what protobufjs reads and reads what protobufjs writes', () => {
    fc.assert(
      fc.property(inferResponse, (message) => {
        const encoded = encodeInferResponse(message);
        const reflected = responseType.decode(encoded);
        expect(responseType.toObject(reflected, { longs: Number, defaults: true })).toMatchObject({
          model_name: message.modelName,
          outputs: message.outputs.map(describeTensor),
          raw_output_contents: message.outputs.map(({ bytes }) => Buffer.from(bytes)),
        });
        const decoded = decodeInferResponse(responseType.encode(reflected).finish());
        expect({ ...decoded, outputs: comparable(decoded.outputs) }).toEqual({
          ...message,
          outputs: comparable(message.outputs),
        });
      }),
    );
  });
});

describe('the parameters of a response', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(requestParameters, (parameters) => {
        const message = { modelName: 'm', modelVersion: '1', id: '', outputs: [], parameters };
        expect(decodeInferResponse(encodeInferResponse(message))).toEqual(message);
      }),
    );
  });
});

describe('the codec of ModelStreamInferResponse', () => {
  it('carries a response, marked as final for its request', () => {
    fc.assert(
      fc.property(fc.array(tensorOf(), { maxLength: 2 }), (outputs) => {
        const response = { modelName: 'm', modelVersion: '1', id: '7', outputs };
        const encoded = encodeStreamInferMessage({ state: 'ok', response });
        const decoded = decodeStreamInferMessage(encoded);
        expect(decoded).toMatchObject({ state: 'ok', response: { id: '7', modelName: 'm' } });
        const reflected = messageType('ModelStreamInferResponse').decode(encoded).toJSON();
        expect(reflected).toMatchObject({
          infer_response: { parameters: { triton_final_response: { bool_param: true } } },
        });
      }),
    );
  });

  it('carries the error of one request with its id', () => {
    const failed = { state: 'failed', id: '8', message: 'no such model' } as const;
    expect(decodeStreamInferMessage(encodeStreamInferMessage(failed))).toEqual(failed);
  });
});
