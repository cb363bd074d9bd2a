/**
 * Reads protobuf fields from a file piece by piece: only what is asked for is read, so a payload of hundreds of
 * megabytes is skipped by moving the position. Knows nothing of ONNX.
 */
import type { FileHandle } from 'node:fs/promises';
import { wire } from './onnx-fields.js';

const PIECE_BYTES = 64 * 1024;
const MAX_STRING_BYTES = 1024 * 1024;

/** What is wrong with the bytes; the caller knows the file's name. */
export class BrokenBytes extends Error {
  override readonly name = 'BrokenBytes';
}

/** One field whose tag was read; `end` is where a length-delimited field's content ends. */
export interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly end: number;
}

export class PieceReader {
  position = 0;
  readonly size: number;
  private readonly file: FileHandle;
  private readonly piece = Buffer.allocUnsafe(PIECE_BYTES);
  private pieceStart = 0;
  private pieceEnd = 0;

  constructor(file: FileHandle, size: number) {
    this.file = file;
    this.size = size;
  }

  /** Reads the tag of the next field before `end`, and a length with it; undefined at `end`. */
  async nextField(end: number): Promise<Field | undefined> {
    if (this.position === end) return undefined;
    if (this.position > end) throw new BrokenBytes(`a field reaches past its message at byte ${end}`);
    const start = this.position;
    const tag = await this.varint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0 || number > 536_870_911)
      throw new BrokenBytes(`there is no valid protobuf field at byte ${start}`);
    return { number, wireType, end: await this.endOf(wireType, start, end) };
  }

  /** Moves past the content of `field`. */
  skip(field: Field): void {
    this.position = field.end;
  }

  /** The number of a varint field; 64-bit values are read as two's complement and lose precision past 2^53. */
  async number(field: Field): Promise<number> {
    if (field.wireType !== wire.varint)
      throw new BrokenBytes(`field ${field.number} before byte ${field.end} is not a number`);
    const value = await this.varint();
    this.position = field.end;
    return value >= 2 ** 63 ? value - 2 ** 64 : value;
  }

  /** The text of a length-delimited field. */
  async text(field: Field): Promise<string> {
    const length = field.end - this.position;
    if (field.wireType !== wire.bytes || length > MAX_STRING_BYTES) {
      throw new BrokenBytes(`field ${field.number} at byte ${this.position} is not a name`);
    }
    if (length <= PIECE_BYTES) {
      await this.load(length);
      const from = this.position - this.pieceStart;
      this.position = field.end;
      return this.piece.toString('utf8', from, from + length);
    }
    const content = Buffer.alloc(length);
    await this.file.read(content, 0, length, this.position);
    this.position = field.end;
    return content.toString('utf8');
  }

  private async endOf(wireType: number, start: number, limit: number): Promise<number> {
    let end: number;
    if (wireType === wire.bytes) {
      const length = await this.varint();
      end = this.position + length;
    } else if (wireType === wire.varint) {
      const begin = this.position;
      await this.varint();
      end = this.position;
      this.position = begin;
    } else if (wireType === wire.fixed64 || wireType === wire.fixed32) {
      end = this.position + (wireType === wire.fixed64 ? 8 : 4);
    } else {
      throw new BrokenBytes(`there is no valid protobuf field at byte ${start}`);
    }
    if (end <= limit) return end;
    if (end > this.size) {
      throw new BrokenBytes(`the file ends at byte ${this.size} inside a field that reaches to byte ${end}`);
    }
    throw new BrokenBytes(`the field at byte ${start} reaches past its message, which ends at byte ${limit}`);
  }

  private async varint(): Promise<number> {
    await this.load(Math.min(10, this.size - this.position));
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.position >= this.size) throw new BrokenBytes(`the file ends at byte ${this.size} inside a number`);
      const byte = this.piece[this.position - this.pieceStart]!;
      this.position++;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new BrokenBytes(`there is no valid protobuf number at byte ${this.position - 10}`);
  }

  /** Makes sure that `length` bytes from the position are in the piece. */
  private async load(length: number): Promise<void> {
    if (this.position >= this.pieceStart && this.position + length <= this.pieceEnd) return;
    const { bytesRead } = await this.file.read(this.piece, 0, PIECE_BYTES, this.position);
    this.pieceStart = this.position;
    this.pieceEnd = this.position + bytesRead;
    if (bytesRead < length) throw new BrokenBytes(`the file ends at byte ${this.pieceEnd}`);
  }
}
