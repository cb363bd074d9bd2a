/** Parses YAML that people wrote, whatever is in it: faults come with their lines, and bombs end in bounded time. */
import { type Document, LineCounter, parseDocument } from 'yaml';
import { PerfTsError, type Problem } from './errors.js';

export interface ParsedYaml {
  readonly document: Document;
  /** The document as plain values. */
  readonly content: unknown;
  /** `file:line` of an offset in the text. */
  lineAt(offset: number): string;
}

/** Files for people stay far below; a deeper one is a mistake or an attack. */
const MAX_DEPTH = 64;
/** Nodes that aliases may stand for, in units of what the yaml package counts. */
const MAX_ALIASES = 100;
const MOST_PROBLEMS = 20;

/** `file` is for messages. Throws PerfTsError BAD_FILE with every syntax fault. */
export function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const lineAt = (offset: number): string => `${file}:${lineCounter.linePos(offset).line}`;
  const tooDeep = depthFault(text);
  if (tooDeep !== undefined) throw nestedTooDeep(`${file}:${tooDeep}`);
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const { errors } = document;
  if (errors.length > 0) {
    const problems: Problem[] = errors
      .slice(0, MOST_PROBLEMS)
      .map((error) => ({ where: lineAt(error.pos[0]), what: error.message }));
    const left = errors.length - problems.length;
    if (left > 0) problems.push({ where: file, what: `has ${left} more such problems` });
    throw new PerfTsError('BAD_FILE', problems);
  }
  return { document, content: valuesOf(document, file), lineAt };
}

/** Aliases are followed here, which is where a document of a few lines can become one of billions of values. */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const what = 'its aliases (*name) stand for too many values';
    throw new PerfTsError('BAD_FILE', { where: file, what, hint: 'write the values out' }, cause);
  }
}

const nestedTooDeep = (where: string): PerfTsError =>
  new PerfTsError('BAD_FILE', { where, what: `is nested deeper than ${MAX_DEPTH} levels` });

/**
 * The line at which a text is surely nested too deeply, if any: the parser would run out of stack. Counts brackets and
 * rising indentation without regard to quotes, so it may see more depth than there is, but only far beyond real files.
 */
function depthFault(text: string): number | undefined {
  let brackets = 0;
  const indents: number[] = [];
  let lineNumber = 0;
  for (const line of text.split('\n')) {
    lineNumber++;
    const indent = line.length - line.trimStart().length;
    if (indent < line.length) {
      while (indents.length > 0 && indents.at(-1)! >= indent) indents.pop();
      indents.push(indent);
    }
    // "- - - a" and "? ? a" nest on one line.
    const marks = /^\s*((?:[-?:]\s+)*)/.exec(line)?.[1]?.split(/\s+/).length ?? 0;
    for (const sign of line) {
      if (sign === '[' || sign === '{') brackets++;
      else if (sign === ']' || sign === '}') brackets = Math.max(0, brackets - 1);
      if (brackets > MAX_DEPTH) return lineNumber;
    }
    if (indents.length + marks > MAX_DEPTH) return lineNumber;
  }
  return undefined;
}
