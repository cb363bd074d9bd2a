import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownAnswers } from '../../../../engine/frontend/grpc-wire/known-answers.js';
import { encodeInferResponse } from '../../../../src/kserve/infer-codec.js';

const anyOutput = fc.record({
  name: fc.constantFrom('O', 'P'),
  dataType: fc.constantFrom('FP32' as const, 'BYTES' as const),
  shape: fc.constantFrom([1], [2, 2], [2, 3], []),
  bytes: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ maxLength: 300 })),
});

const anyAnswer = fc.record({
  modelName: fc.constantFrom('a', 'b'),
  modelVersion: fc.constantFrom('1', '2'),
  id: fc.constantFrom('', 'x', 'y'),
  outputs: fc.array(anyOutput, { maxLength: 3 }),
});

describe('an answer encoded with the help of earlier ones', () => {
  it('is what it is by itself, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { maxLength: 60 }), (answers) => {
        const known = new KnownAnswers();
        for (const answer of answers) {
          const { modelName, modelVersion, id, outputs } = answer;
          const bytes = known.encode(modelName, modelVersion, id, outputs);
          expect([...bytes]).toEqual([...encodeInferResponse(answer)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds no large answer', () => {
    const known = new KnownAnswers();
    const encode = () =>
      known.encode('m', '1', '', [{ name: 'O', dataType: 'INT8', shape: [1e5], bytes: new Uint8Array(1e5) }]);
    expect(encode()).not.toBe(encode());
  });

  it('makes nothing anew for an answer of a known form', () => {
    const known = new KnownAnswers();
    const encode = (value: number) =>
      known.encode('m', '1', '', [{ name: 'O', dataType: 'INT8', shape: [8], bytes: new Uint8Array(8).fill(value) }]);
    expect(encode(1)).toBe(encode(2));
  });
});
