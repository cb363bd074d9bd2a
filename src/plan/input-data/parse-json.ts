/**
 * JSON as perf_analyzer's data files have it: NaN and Infinity among the numbers, and 64-bit integers in full. A fault
 * is told with its line and column, which the platform's own parser does not do.
 */
import type { ExactNumber } from '../../kserve/json-text.js';

/** Where a text is no JSON; lines and columns count from 1. */
export class JsonFault extends Error {
  readonly line: number;
  readonly column: number;

  constructor(what: string, text: string, at: number) {
    super(what);
    const before = text.slice(0, at);
    this.line = before.split('\n').length;
    this.column = at - before.lastIndexOf('\n');
  }
}

const MAX_DEPTH = 64;
const space = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in a text.
const special = /[\\\u0000-\u001f]/;
const word = /-?[A-Za-z]+/y;

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['Inf', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
]);

/** Whole numbers that a JavaScript number cannot hold come as an ExactNumber. Throws JsonFault. */
export function parseDataJson(text: string): unknown {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
  }

  value(depth: number): unknown {
    this.#match(space);
    if (depth > MAX_DEPTH) this.#fail(`it is nested deeper than ${MAX_DEPTH} levels`);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#list(depth);
    if (first === '"') return this.#string();
    return this.#match(number, (found) => found !== '') ?? this.#word();
  }

  end(): void {
    this.#match(space);
    if (this.#at < this.#text.length) this.#fail('something follows the end of the document');
  }

  #object(depth: number): Record<string, unknown> {
    const object = Object.create(null) as Record<string, unknown>;
    this.#at++;
    if (this.#take('}')) return object;
    for (;;) {
      this.#match(space);
      const start = this.#at;
      if (this.#text[start] !== '"') this.#fail('a key in quotes is expected here');
      const key = this.#string();
      if (Object.hasOwn(object, key)) this.#fail(`the key "${key}" is here for the second time`, start);
      if (!this.#take(':')) this.#fail('a colon is expected here');
      object[key] = this.value(depth + 1);
      if (this.#take('}')) return object;
      if (!this.#take(',')) this.#fail('a comma or a closing brace is expected here');
    }
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    this.#at++;
    if (this.#take(']')) return list;
    for (;;) {
      list.push(this.value(depth + 1));
      if (this.#take(']')) return list;
      if (!this.#take(',')) this.#fail('a comma or a closing bracket is expected here');
    }
  }

  /** By search instead of a pattern, which runs out of stack on texts of megabytes. */
  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let end = text.indexOf('"', start + 1);
    while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    if (end === -1) this.#fail('this text has no end', start);
    this.#at = end + 1;
    const found = text.slice(start, end + 1);
    if (!special.test(found)) return found.slice(1, -1);
    try {
      return JSON.parse(found) as string;
    } catch {
      return this.#fail('this text has a bad escape or a control character in it', start);
    }
  }

  #word(): unknown {
    const start = this.#at;
    word.lastIndex = start;
    const [found] = word.exec(this.#text) ?? [];
    if (found === undefined || !words.has(found)) this.#fail('a value is expected here', start);
    this.#at = word.lastIndex;
    return words.get(found);
  }

  /** Without `accept` it only moves on. */
  #match(pattern: RegExp, accept?: (found: string) => boolean): number | ExactNumber | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) return undefined;
    this.#at = pattern.lastIndex;
    if (accept === undefined || !accept(found)) return undefined;
    const value = Number(found);
    if (!Number.isFinite(value)) this.#fail(`the number ${found} is too large for any float`, this.#at - found.length);
    const isExact = Number.isSafeInteger(value) || /[.eE]/.test(found);
    return isExact ? value : { exactNumber: found };
  }

  #take(sign: string): boolean {
    this.#match(space);
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #fail(what: string, at = this.#at): never {
    throw new JsonFault(what, this.#text, at);
  }
}

function isEscaped(text: string, at: number): boolean {
  let count = 0;
  while (text[at - 1 - count] === '\\') count++;
  return count % 2 === 1;
}
