/**
 * A protobuf message that can be edited without knowing all of its fields: what is not touched is written back byte by
 * byte and in its place. Submessages are taken apart only when they are asked for. Knows nothing of ONNX.
 */
import { wire } from '../onnx-fields.js';
import { BrokenBytes } from '../piece-reader.js';

/** Length of a varint with the highest of its 64 bits set. */
const NEGATIVE_BYTES = 10;

interface ProtoField {
  readonly number: number;
  readonly wireType: number;
  /** What follows the tag (and the length); a submessage that was asked for is kept taken apart. */
  content: Uint8Array | ProtoMessage;
}

const sizeOf = ({ content }: ProtoField): number => content.byteLength;

export class ProtoMessage {
  private fields: ProtoField[];

  constructor(fields: ProtoField[] = []) {
    this.fields = fields;
  }

  /**
   * Takes `bytes` apart; payloads are views into it, so it must not change.
   * @throws BrokenBytes when they are not protobuf.
   */
  static parse(bytes: Uint8Array): ProtoMessage {
    const fields: ProtoField[] = [];
    let position = 0;
    while (position < bytes.byteLength) {
      const tag = readVarint(bytes, position);
      const number = Math.floor(tag.value / 8);
      const wireType = tag.value % 8;
      if (number === 0) throw new BrokenBytes(`there is no valid protobuf field at byte ${position} of a message`);
      let start = tag.end;
      let end: number;
      if (wireType === wire.varint) end = readVarint(bytes, start).end;
      else if (wireType === wire.fixed64) end = start + 8;
      else if (wireType === wire.fixed32) end = start + 4;
      else if (wireType === wire.bytes) {
        const length = readVarint(bytes, start);
        start = length.end;
        end = start + length.value;
      } else throw new BrokenBytes(`there is no valid protobuf field at byte ${position} of a message`);
      if (end > bytes.byteLength) throw new BrokenBytes(`field ${number} reaches past the end of its message`);
      fields.push({ number, wireType, content: bytes.subarray(start, end) });
      position = end;
    }
    return new ProtoMessage(fields);
  }

  /** A message with the same fields, whose own fields can be set without reaching this one; submessages are shared. */
  copy(): ProtoMessage {
    return new ProtoMessage([...this.fields]);
  }

  has(field: number): boolean {
    return this.fields.some(({ number }) => number === field);
  }

  /** The last value of a varint field, as protobuf has it; `absent` when there is none. */
  number(field: number, absent = 0): number {
    return this.numbers(field).at(-1) ?? absent;
  }

  /** All values of a varint field, packed or not; 64-bit values as two's complement, exact up to 2^53. */
  numbers(field: number): number[] {
    const values: number[] = [];
    for (const { wireType, bytes } of this.raw(field)) {
      if (wireType !== wire.varint && wireType !== wire.bytes)
        throw new BrokenBytes(`field ${field} is not a whole number`);
      for (let at = 0; at < bytes.byteLength; ) {
        const { value, end } = readVarint(bytes, at);
        values.push(end - at === NEGATIVE_BYTES ? readNegative(bytes.subarray(at, end)) : value);
        at = end;
      }
    }
    return values;
  }

  /** All values of a 32-bit float field, packed or not. */
  floats(field: number): Float32Array {
    const found = this.raw(field);
    const values = new Float32Array(found.reduce((sum, { bytes }) => sum + Math.floor(bytes.byteLength / 4), 0));
    let count = 0;
    for (const { bytes } of found) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at + 4 <= bytes.byteLength; at += 4) values[count++] = view.getFloat32(at, true);
    }
    return values;
  }

  text(field: number): string {
    return this.texts(field).at(-1) ?? '';
  }

  texts(field: number): string[] {
    return this.raw(field).map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  }

  bytes(field: number): Uint8Array | undefined {
    return this.raw(field).at(-1)?.bytes;
  }

  /** The submessage, whose edits are written with this one. */
  message(field: number): ProtoMessage | undefined {
    return this.messages(field).at(-1);
  }

  messages(field: number): ProtoMessage[] {
    return this.fields
      .filter(({ number }) => number === field)
      .map((found) => {
        if (found.wireType !== wire.bytes) throw new BrokenBytes(`field ${field} is not a message`);
        if (!(found.content instanceof ProtoMessage)) found.content = ProtoMessage.parse(found.content);
        return found.content;
      });
  }

  remove(field: number): this {
    return this.replace(field, []);
  }

  /** A non-negative whole number below 2^53 in a varint field. */
  setNumber(field: number, value: number): this {
    return this.replace(field, [{ number: field, wireType: wire.varint, content: varint(value) }]);
  }

  setNumbers(field: number, values: readonly number[]): this {
    return this.replace(
      field,
      values.map((value) => ({ number: field, wireType: wire.varint, content: varint(value) })),
    );
  }

  setText(field: number, value: string): this {
    return this.setTexts(field, [value]);
  }

  setTexts(field: number, values: readonly string[]): this {
    return this.replace(
      field,
      values.map((value) => ({ number: field, wireType: wire.bytes, content: Buffer.from(value, 'utf8') })),
    );
  }

  setBytes(field: number, value: Uint8Array): this {
    return this.replace(field, [{ number: field, wireType: wire.bytes, content: value }]);
  }

  /** The values of a field from now on; they stand where its first value stood, or at the end. */
  setMessages(field: number, values: readonly ProtoMessage[]): this {
    return this.replace(
      field,
      values.map((value) => ({ number: field, wireType: wire.bytes, content: value })),
    );
  }

  get byteLength(): number {
    let total = 0;
    for (const field of this.fields) {
      const size = sizeOf(field);
      total += varintSize(field.number * 8) + size + (field.wireType === wire.bytes ? varintSize(size) : 0);
    }
    return total;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    this.writeTo(bytes, 0);
    return bytes;
  }

  private writeTo(bytes: Uint8Array, from: number): number {
    let at = from;
    for (const { number, wireType, content } of this.fields) {
      at = writeVarint(bytes, at, number * 8 + wireType);
      if (wireType === wire.bytes) at = writeVarint(bytes, at, content.byteLength);
      if (content instanceof ProtoMessage) at = content.writeTo(bytes, at);
      else {
        bytes.set(content, at);
        at += content.byteLength;
      }
    }
    return at;
  }

  private raw(field: number): { readonly wireType: number; readonly bytes: Uint8Array }[] {
    return this.fields
      .filter(({ number }) => number === field)
      .map(({ wireType, content }) => ({
        wireType,
        bytes: content instanceof ProtoMessage ? content.toBytes() : content,
      }));
  }

  private replace(field: number, values: readonly ProtoField[]): this {
    const first = this.fields.findIndex(({ number }) => number === field);
    const others = this.fields.filter(({ number }) => number !== field);
    const place = first === -1 ? others.length : first;
    this.fields = [...others.slice(0, place), ...values, ...others.slice(place)];
    return this;
  }
}

function readVarint(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new BrokenBytes('a message ends inside a number');
    value += (byte % 128) * scale;
    if (byte < 128) return { value, end: at + 1 };
    scale *= 128;
  }
  throw new BrokenBytes(`there is no valid protobuf number at byte ${start} of a message`);
}

/** Two's complement fills all ten bytes, and doubles do not hold it. */
function readNegative(bytes: Uint8Array): number {
  const value = bytes.reduceRight((sum, byte) => sum * 128n + BigInt(byte % 128), 0n);
  return Number(BigInt.asIntN(64, value));
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is not a whole number from 0`);
  const bytes = new Uint8Array(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes;
}
