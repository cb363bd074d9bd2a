import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtoMessage } from '../../../src/onnx/convert/proto-message.js';
import { BrokenBytes } from '../../../src/onnx/piece-reader.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';

describe('a protobuf message that is edited', () => {
  it('writes a whole model back byte for byte, also after its graph was taken apart', () => {
    const bytes = buildZooModel('simple_cnn');
    const model = ProtoMessage.parse(bytes);
    for (const node of model.message(7)!.messages(1)) expect(node.text(4)).not.toBe('');
    expect(Buffer.compare(model.toBytes(), bytes)).toBe(0);
  });

  it('keeps unknown fields and their places', () => {
    const anyField = fc.oneof(
      fc.record({ number: fc.integer({ min: 2, max: 5000 }), text: fc.string() }),
      fc.record({ number: fc.integer({ min: 2, max: 5000 }), value: fc.maxSafeNat() }),
    );
    fc.assert(
      fc.property(fc.array(anyField), fc.string(), (fields, text) => {
        const parts = fields.map((field) => {
          const part = new ProtoMessage();
          return 'text' in field ? part.setText(field.number, field.text) : part.setNumber(field.number, field.value);
        });
        const bytes = Buffer.concat(parts.map((part) => part.toBytes()));
        const own = new ProtoMessage().setText(1, text).toBytes();
        const edited = ProtoMessage.parse(
          Buffer.concat([bytes, new ProtoMessage().setText(1, 'old').toBytes(), bytes]),
        );
        expect(Buffer.compare(edited.setText(1, text).toBytes(), Buffer.concat([bytes, own, bytes]))).toBe(0);
      }),
    );
  });

  it('reads numbers and floats whether they are packed or not', () => {
    const packed = ProtoMessage.parse(Uint8Array.of(0x0a, 3, 1, 0x80, 1, 0x08, 7));
    expect(packed.numbers(1)).toEqual([1, 128, 7]);
    const floats = new Uint8Array(Float32Array.of(1.5, -2).buffer);
    const both = ProtoMessage.parse(
      Buffer.concat([Uint8Array.of(0x12, 8), floats, Uint8Array.of(0x15), floats.subarray(0, 4)]),
    );
    expect([...both.floats(2)]).toEqual([1.5, -2, 1.5]);
  });

  it('reads negative numbers', () => {
    const minusOne = Uint8Array.of(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
    expect(ProtoMessage.parse(minusOne).number(1)).toBe(-1);
  });

  it.each([
    ['a length past the end', [0x0a, 5, 1]],
    ['a group', [0x0b]],
    ['field number 0', [0x00, 1]],
    ['a number that does not end', [0x08, 0x80]],
  ])('refuses %s', (_, bytes) => {
    expect(() => ProtoMessage.parse(Uint8Array.from(bytes))).toThrow(BrokenBytes);
  });
});
