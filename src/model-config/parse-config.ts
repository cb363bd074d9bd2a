/** Reads config.pbtxt: protobufjs's text-format parser decides, our scan of the same text says where things stand. */
import textformat from 'protobufjs/ext/textformat.js';
import { messageOf, PerfTsError, type Problem } from '../common/errors.js';
import { type ConfigLines, collectLines, placeOf, rememberLines } from './config-lines.js';
import { toJsonForm } from './json-form.js';
import type { ModelConfig } from './model-config.js';
import { findPbtxtProblems } from './pbtxt-problems.js';
import { type PbtxtField, PbtxtSyntaxError, scanPbtxt } from './pbtxt-scan.js';
import { modelConfigType } from './schema.js';

/**
 * The config that `text` holds, with only what it says. Comments begin with `#`; `//` is refused as Triton refuses it.
 * @param file name for messages, where each problem stands as `file:line`
 * @throws PerfTsError BAD_FILE with every field that is unknown or has a wrong value, or the first syntax error.
 */
export function parseModelConfig(text: string, file: string): ModelConfig {
  refuseExtremes(text, file);
  const type = modelConfigType();
  let message: object;
  try {
    message = textformat.fromText(type, text);
  } catch (cause) {
    throw new PerfTsError('BAD_FILE', explainRefusal(text, file, messageOf(cause)), cause);
  }
  const lines = collectLines(scanOrNothing(text), type);
  const { config, problems } = toJsonForm(message);
  if (problems.length > 0) {
    throw new PerfTsError(
      'BAD_FILE',
      problems.map(({ path, what }) => ({ where: placeOf(file, lines, path), what: `${path}: ${what}` })),
    );
  }
  rememberLines(config, lines satisfies ConfigLines);
  return config;
}

/** Real configs take kilobytes. */
const MOST_CHARACTERS = 4 * 2 ** 20;
/** The schema itself is not half as deep. */
const MAX_DEPTH = 32;
const stringOrCommentOrBracket = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*|[{}<>]/g;

/** What would only run the parsers out of stack or time. */
function refuseExtremes(text: string, file: string): void {
  if (text.length > MOST_CHARACTERS) {
    throw new PerfTsError('BAD_FILE', { where: file, what: 'takes more than 4 MiB, the most that is read' });
  }
  let depth = 0;
  for (const { 0: sign, index } of text.matchAll(stringOrCommentOrBracket)) {
    if (sign === '{' || sign === '<') depth++;
    else if (sign === '}' || sign === '>') depth--;
    if (depth > MAX_DEPTH) {
      const where = `${file}:${text.slice(0, index).split('\n').length}`;
      throw new PerfTsError('BAD_FILE', { where, what: `is nested deeper than ${MAX_DEPTH} levels` });
    }
  }
}

function explainRefusal(text: string, file: string, refusal: string): Problem | readonly Problem[] {
  try {
    const found = findPbtxtProblems(scanPbtxt(text), modelConfigType());
    if (found.length > 0) {
      return found.map(({ line, what, hint }) => ({
        where: `${file}:${line}`,
        what,
        ...(hint !== undefined && { hint }),
      }));
    }
  } catch (cause) {
    if (!(cause instanceof PbtxtSyntaxError)) throw cause;
    return { where: `${file}:${cause.line}`, what: cause.message };
  }
  const line = /\(line (\d+)\)$/.exec(refusal)?.[1];
  return { where: line === undefined ? file : `${file}:${line}`, what: refusal.replace(/ \(line \d+\)$/, '') };
}

/** The parser has accepted the text; should the scan not, then only line numbers are missing. */
function scanOrNothing(text: string): readonly PbtxtField[] {
  try {
    return scanPbtxt(text);
  } catch (cause) {
    if (cause instanceof PbtxtSyntaxError) return [];
    throw cause;
  }
}
