import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownRequests } from '../../../../engine/frontend/grpc-wire/known-requests.js';
import {
  decodeInferRequest,
  encodeInferRequest,
  type InferRequestMessage,
} from '../../../../src/kserve/infer-codec.js';

const dataTypes = ['FP32', 'INT8', 'BYTES', 'FP16'] as const;

const anyRequest: fc.Arbitrary<InferRequestMessage> = fc.record({
  modelName: fc.constantFrom('a', 'b'),
  modelVersion: fc.constantFrom('', '1'),
  id: fc.constantFrom('', 'x', 'y'),
  inputs: fc.array(
    fc.record({
      name: fc.constantFrom('I', 'J'),
      dataType: fc.constantFrom(...dataTypes),
      shape: fc.constantFrom([1], [2, 2]),
      bytes: fc.uint8Array({ maxLength: 6 }),
    }),
    { maxLength: 3 },
  ),
  outputNames: fc.constantFrom([], ['O']),
});

/** What decoding gives, or the message of what it throws. */
function outcomeOf(decode: () => InferRequestMessage): unknown {
  try {
    const message = decode();
    return { ...message, inputs: message.inputs.map((input) => ({ ...input, bytes: [...input.bytes] })) };
  } catch (thrown) {
    return String(thrown);
  }
}

describe('a request decoded with the help of earlier ones', () => {
  it('is what it is by itself, whatever came before, also when its bytes were changed', () => {
    const change = fc.record({ place: fc.nat(), value: fc.nat(255), isMade: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.tuple(anyRequest, change), { minLength: 2, maxLength: 40 }), (requests) => {
        const known = new KnownRequests();
        for (const [request, { place, value, isMade }] of requests) {
          const bytes = Buffer.concat([Buffer.from('lead'), encodeInferRequest(request)]);
          if (isMade && bytes.length > 4) bytes[4 + (place % (bytes.length - 4))] = value;
          const expected = outcomeOf(() => decodeInferRequest(bytes.subarray(4)));
          expect(outcomeOf(() => known.decode(bytes, 4, bytes.length))).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has the numbers of its own message and not those of the one that was remembered', () => {
    const known = new KnownRequests();
    const encode = (value: number): Buffer => {
      const bytes = new Uint8Array(8).fill(value);
      const inputs = [1, 2].map((place) => ({ name: `I${place}`, dataType: 'INT8' as const, shape: [8], bytes }));
      return Buffer.from(encodeInferRequest({ modelName: 'm', modelVersion: '', id: '', inputs, outputNames: [] }));
    };
    for (const value of [1, 2, 3, 2, 1]) {
      const bytes = encode(value);
      const { inputs } = known.decode(bytes, 0, bytes.length);
      expect(inputs.map((input) => [...input.bytes])).toEqual([Array(8).fill(value), Array(8).fill(value)]);
    }
  });

  it('tells where a message of its length is to begin for its first tensor to lie on a multiple of 16', () => {
    const known = new KnownRequests();
    const message = (name: string, length: number) => {
      const input = { name: 'I', dataType: 'INT8' as const, shape: [length], bytes: new Uint8Array(length) };
      return Buffer.from(
        encodeInferRequest({ modelName: name, modelVersion: '', id: '', inputs: [input], outputNames: [] }),
      );
    };
    for (const bytes of [message('model', 20_000), message('another model', 30_000), message('m', 40_000)]) {
      known.decode(bytes, 0, bytes.length);
      const lead = known.leadOf(bytes.length);
      const placed = Buffer.alloc(lead + bytes.length);
      bytes.copy(placed, lead);
      const [tensor] = known.decode(placed, lead, placed.length).inputs;
      expect((tensor!.bytes.byteOffset - placed.byteOffset) % 16).toBe(0);
    }
  });
});
