import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownRequests } from '../../../../engine/frontend/grpc-wire/known-requests.js';
import { decodeGrpcPieces } from '../../../../engine/frontend/pieces/decode-grpc-pieces.js';
import { decodeHttpPieces } from '../../../../engine/frontend/pieces/decode-http-pieces.js';
import { MessagePieces } from '../../../../engine/frontend/pieces/message-pieces.js';
import { byteLengthOf, type InputTensor } from '../../../../engine/input-tensor.js';
import { encodeHttpInferRequest } from '../../../../src/kserve/http-codec.js';
import {
  decodeInferRequest,
  encodeInferRequest,
  type InferRequestMessage,
} from '../../../../src/kserve/infer-codec.js';
import { ProtocolError } from '../../../../src/kserve/protocol-error.js';

/** Cut at these places, each piece in memory of its own. */
function cut(bytes: Uint8Array, places: readonly number[]): MessagePieces {
  const bounds = [0, ...places.map((place) => place % bytes.length).toSorted((a, b) => a - b), bytes.length];
  const pieces = bounds.slice(1).map((end, index) => Buffer.from(bytes.subarray(bounds[index], end)));
  const filled = pieces.filter(({ length }) => length > 0);
  return new MessagePieces(filled, bytes.length);
}

const requests = fc.record({
  id: fc.string({ maxLength: 12 }),
  fill: fc.nat(255),
  elements: fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 3 }),
  cuts: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
});

const messageOf = ({ id, fill, elements }: { id: string; fill: number; elements: readonly number[] }) =>
  ({
    modelName: 'net',
    modelVersion: '',
    id,
    outputNames: ['Y'],
    inputs: elements.map((count, index) => ({
      name: `X${index}`,
      dataType: 'FP32' as const,
      shape: [1, count],
      bytes: Buffer.alloc(4 * count, fill + index),
    })),
  }) satisfies InferRequestMessage;

/** What is compared of inputs; buffers are compared byte by byte elsewhere, because that takes a matcher too long. */
const headsOf = (inputs: readonly InputTensor[]) => inputs.map(({ name, dataType, shape }) => [name, dataType, shape]);
const isSame = (inputs: readonly InputTensor[], expected: readonly InputTensor[]): boolean =>
  inputs.every(({ bytes }, place) => Buffer.compare(bytes, expected[place]!.bytes) === 0);

describe('requests in pieces', () => {
  it('mean over gRPC what they mean in one piece, wherever they are cut', () => {
    const known = new KnownRequests();
    fc.assert(
      fc.property(fc.array(requests, { minLength: 1, maxLength: 4 }), (list) => {
        const messages = list.map(messageOf);
        const decoded = messages.map((message, index) =>
          decodeGrpcPieces(cut(encodeInferRequest(message), list[index]!.cuts), known),
        );
        // Looked at only now: none may lie in memory that another one was decoded in.
        for (const [index, { id, outputNames, inputs }] of decoded.entries()) {
          const expected = messages[index]!;
          expect([id, outputNames]).toEqual([expected.id, expected.outputNames]);
          expect(inputs.map(byteLengthOf)).toEqual(expected.inputs.map(({ bytes }) => bytes.length));
          expect(headsOf(inputs)).toEqual(headsOf(expected.inputs));
          expect(isSame(inputs, expected.inputs)).toBe(true);
        }
      }),
    );
  });

  it('mean over HTTP what they mean in one piece, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.array(requests, { minLength: 1, maxLength: 4 }), (list) => {
        const messages = list.map(messageOf);
        const decoded = messages.map((message, index) => {
          const { body, jsonLength } = encodeHttpInferRequest(message);
          return decodeHttpPieces(cut(body, list[index]!.cuts), jsonLength, 'm');
        });
        for (const [index, { id, inputs }] of decoded.entries()) {
          expect(id).toBe(messages[index]!.id);
          expect(headsOf(inputs)).toEqual(headsOf(messages[index]!.inputs));
          expect(isSame(inputs, messages[index]!.inputs)).toBe(true);
        }
      }),
    );
  });

  it('have large inputs that lie where they arrived', () => {
    const message = messageOf({ id: '', fill: 1, elements: [20_000] });
    const pieces = cut(encodeInferRequest(message), [40_000]);
    const [input] = decodeGrpcPieces(pieces, new KnownRequests()).inputs as readonly InputTensor[];
    expect(input!.segments?.pieces.map(({ buffer }) => buffer)).toEqual(pieces.pieces.map(({ buffer }) => buffer));
  });

  it('are refused with the same words as in one piece when they are malformed', () => {
    const known = new KnownRequests();
    const bytes = Buffer.from(encodeInferRequest(messageOf({ id: 'x', fill: 3, elements: [5000] })));
    const refusal = (run: () => unknown): string => {
      try {
        run();
      } catch (thrown) {
        if (thrown instanceof ProtocolError) return thrown.message;
        throw thrown;
      }
      return 'none';
    };
    const change = fc.tuple(fc.nat(60), fc.nat(255), fc.nat(3000), fc.array(fc.nat(), { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(change, ([place, value, missing, cuts]) => {
        const changed = Buffer.from(bytes.subarray(0, bytes.length - missing));
        changed[place] = value;
        const inPieces = refusal(() => decodeGrpcPieces(cut(changed, cuts), known));
        expect(inPieces).toBe(refusal(() => decodeInferRequest(changed)));
      }),
    );
    const { body, jsonLength } = encodeHttpInferRequest(messageOf({ id: 'x', fill: 3, elements: [5000] }));
    const short = cut(body.subarray(0, body.length - 8), [1000]);
    expect(refusal(() => decodeHttpPieces(short, jsonLength, 'm'))).toContain('additional bytes for model');
    expect(refusal(() => decodeHttpPieces(short, 10 * body.length, 'm'))).toContain('but the body has');
  });
});
