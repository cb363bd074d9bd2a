/** Writes protobuf messages. Payloads are kept by reference until the end, so large weights are copied once. */
import { wire } from './onnx-fields.js';

export class MessageWriter {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** A varint field; negative integers are written as 64-bit two's complement. */
  number(field: number, value: number): this {
    return this.append(varint(field * 8 + wire.varint)).append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.append(varint(field * 8 + wire.fixed32)).append(bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.append(varint(field * 8 + wire.bytes))
      .append(varint(value.byteLength))
      .append(value);
  }

  message(field: number, value: MessageWriter): this {
    this.append(varint(field * 8 + wire.bytes)).append(varint(value.size));
    for (const part of value.parts) this.append(part);
    return this;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.byteLength;
    }
    return bytes;
  }

  private append(part: Uint8Array): this {
    this.parts.push(part);
    this.size += part.byteLength;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
