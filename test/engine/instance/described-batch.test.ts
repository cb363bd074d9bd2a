import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeBatch, readBatch } from '../../../engine/instance/described-batch.js';

it('a described batch reads back as the tensors whose parts it was made from', () => {
  const anyTensor = fc.record({
    name: fc.string(),
    dataType: fc.constantFrom('UINT8', 'BYTES'),
    shape: fc.array(fc.nat(9)),
    parts: fc.array(fc.uint8Array({ maxLength: 70 })),
  });
  fc.assert(
    fc.property(fc.array(anyTensor, { maxLength: 4 }), fc.array(fc.string(), { maxLength: 3 }), (tensors, outputs) => {
      const batch = describeBatch(tensors as Parameters<typeof describeBatch>[0], outputs);
      const slot = new Uint8Array(new SharedArrayBuffer(batch.totalBytes + 5));
      batch.writeTo(slot);
      const read = readBatch(slot);
      expect(read.requestedOutputs).toEqual(outputs);
      expect(read.tensors.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }))).toEqual(
        tensors.map(({ parts, ...rest }) => ({ ...rest, bytes: parts.flatMap((part) => [...part]) })),
      );
    }),
  );
});
