/**
 * Remembers what the last few header blocks meant, by their bytes, because a client sends the same block with almost
 * every call. A meaning holds only while the dynamic table is unchanged, which the decoder's generation tells.
 */
import { Buffer } from 'node:buffer';

const ENTRY_COUNT = 8;
/** Longer blocks cost more to compare than they save. */
const MAX_BLOCK_BYTES = 512;

interface Entry<Meaning> {
  readonly block: Buffer;
  readonly generation: number;
  readonly meaning: Meaning;
}

export class HeaderBlockCache<Meaning> {
  private readonly entries: Entry<Meaning>[] = [];
  private nextSlot = 0;

  /** What the block from `start` to `end` meant when it was last decoded in this generation of the table. */
  find(bytes: Uint8Array, start: number, end: number, generation: number): Meaning | undefined {
    for (const entry of this.entries) {
      if (entry.generation === generation && isEqual(entry.block, bytes, start, end)) return entry.meaning;
    }
    return undefined;
  }

  /** Only for a block whose decoding left the table as it was. */
  remember(bytes: Buffer, start: number, end: number, generation: number, meaning: Meaning): void {
    if (end - start > MAX_BLOCK_BYTES) return;
    this.entries[this.nextSlot] = { block: Buffer.from(bytes.subarray(start, end)), generation, meaning };
    this.nextSlot = (this.nextSlot + 1) % ENTRY_COUNT;
  }
}

function isEqual(block: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let i = 0; i < block.length; i++) if (block[i] !== bytes[start + i]) return false;
  return true;
}
