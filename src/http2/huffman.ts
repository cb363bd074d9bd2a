/** Decodes HPACK's Huffman-coded strings, four bits a step, over a table that is derived once from the code lengths. */
import type { Buffer } from 'node:buffer';
import { huffmanCodeLengths } from './hpack-tables.js';

const END_OF_STRING = 256;
const NO_SYMBOL = 511;
const MAX_PADDING_BITS = 7;

/** The code of each symbol as an unsigned number of `huffmanCodeLengths[symbol]` bits. */
export function deriveHuffmanCodes(): readonly number[] {
  const codes = new Array<number>(huffmanCodeLengths.length).fill(0);
  const bySize = huffmanCodeLengths.map((length, symbol) => ({ length, symbol }));
  bySize.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let next = 0;
  let length = bySize[0]!.length;
  for (const entry of bySize) {
    next *= 2 ** (entry.length - length);
    length = entry.length;
    codes[entry.symbol] = next++;
  }
  return codes;
}

interface DecoderTables {
  /** [state * 16 + four bits] -> next state << 9 | symbol or NO_SYMBOL; a step never completes two symbols. */
  readonly steps: Uint32Array;
  /** 1 for the states in which a string may end: the bits since the last symbol are at most seven ones. */
  readonly mayEnd: Uint8Array;
}

let tables: DecoderTables | undefined;

/** Nodes as pairs of children: positive is a node, negative is -(symbol + 1). */
function buildTree(): number[] {
  const tree = [0, 0];
  for (const [symbol, code] of deriveHuffmanCodes().entries()) {
    let node = 0;
    for (let bit = huffmanCodeLengths[symbol]! - 1; bit >= 0; bit--) {
      const slot = node * 2 + (Math.floor(code / 2 ** bit) & 1);
      if (bit === 0) tree[slot] = -(symbol + 1);
      else {
        if (tree[slot] === 0) {
          tree[slot] = tree.length / 2;
          tree.push(0, 0);
        }
        node = tree[slot]!;
      }
    }
  }
  return tree;
}

function buildTables(): DecoderTables {
  const tree = buildTree();
  const steps = new Uint32Array((tree.length / 2) * 16);
  for (let state = 0; state < tree.length / 2; state++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = state;
      let symbol = NO_SYMBOL;
      for (let bit = 3; bit >= 0; bit--) {
        const child = tree[node * 2 + ((bits >> bit) & 1)]!;
        node = Math.max(child, 0);
        if (child < 0) symbol = -child - 1;
      }
      steps[state * 16 + bits] = (node << 9) | symbol;
    }
  }
  const mayEnd = new Uint8Array(tree.length / 2);
  for (let depth = 0, node = 0; depth <= MAX_PADDING_BITS; depth++) {
    mayEnd[node] = 1;
    node = tree[node * 2 + 1]!;
  }
  return { steps, mayEnd };
}

/**
 * Decodes `bytes` from `start` to `end` as a latin1 string. Returns undefined for what the RFC calls a decoding error:
 * the end-of-string symbol, or padding that is too long or not all ones.
 */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  tables ??= buildTables();
  const { steps, mayEnd } = tables;
  const codes: number[] = [];
  let state = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = steps[state * 16 + ((byte >> shift) & 15)]!;
      const symbol = step & 511;
      if (symbol === END_OF_STRING) return undefined;
      if (symbol !== NO_SYMBOL) codes.push(symbol);
      state = step >>> 9;
    }
  }
  return mayEnd[state] === 1 ? latin1(codes) : undefined;
}

/** In slices, because a call takes a limited number of arguments. */
function latin1(codes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < codes.length; at += 4096) text += String.fromCharCode(...codes.slice(at, at + 4096));
  return text;
}
