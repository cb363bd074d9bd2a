/**
 * Brings the comments of a user's config.pbtxt over into a rewritten one: each goes to the field it stood at. A comment
 * whose field is gone goes to the nearest field around it, or to the top.
 */
import { linesOf } from '../../model-config/config-lines.js';
import { parseModelConfig } from '../../model-config/parse-config.js';

interface Comment {
  readonly text: string;
  /** The line of the field it is about. */
  readonly line: number;
  /** On a line of its own above the field, or behind it. */
  readonly isAbove: boolean;
}

/** `text` with the comments of `original`; both must be configs that can be read. */
export function carryComments(original: string, text: string): string {
  const comments = findComments(original);
  if (comments.length === 0) return text;
  const from = linesOf(parseModelConfig(original, 'config.pbtxt')) ?? new Map<string, number>();
  const to = linesOf(parseModelConfig(text, 'config.pbtxt')) ?? new Map<string, number>();
  const lines = text.split('\n');
  const above = new Map<number, string[]>();
  for (const { text: comment, line, isAbove } of comments) {
    const target = targetLine(line, from, to);
    // A comment behind a list or block would end up inside it; above is always safe.
    if (!isAbove && target !== undefined)
      lines[target - 1] += `${lines[target - 1]!.includes('  # ') ? '; ' : '  # '}${withoutSign(comment)}`;
    else above.set(target ?? 1, [...(above.get(target ?? 1) ?? []), comment]);
  }
  return lines
    .flatMap((line, index) => {
      const indent = line.slice(0, line.length - line.trimStart().length);
      return [...(above.get(index + 1) ?? []).map((comment) => `${indent}${comment}`), line];
    })
    .join('\n');
}

const withoutSign = (comment: string): string => comment.replace(/^#\s*/, '');

/** The comments of a config in its order; what follows the last field is about nothing, and goes to the top. */
function findComments(text: string): Comment[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index): Comment[] => {
    const at = commentStart(line);
    if (at === undefined) return [];
    const isAbove = line.slice(0, at).trim() === '';
    const next = lines.findIndex(
      (other, position) => position > index && /\w/.test(other.slice(0, commentStart(other))),
    );
    const field = isAbove ? next + 1 : index + 1;
    return [{ text: line.slice(at).trim(), line: field, isAbove }];
  });
}

/** Where a comment begins, outside of texts in quotes. */
function commentStart(line: string): number | undefined {
  const match = /^(?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*#/.exec(line);
  return match === null ? undefined : match[0].length - 1;
}

/** The line in the new text of the field that stood at `line`, or of the nearest field around it. */
function targetLine(
  line: number,
  from: ReadonlyMap<string, number>,
  to: ReadonlyMap<string, number>,
): number | undefined {
  const paths = [...from].filter(([, own]) => own === line).map(([path]) => path);
  for (const path of paths) {
    const direct = to.get(path);
    if (direct !== undefined) return direct;
  }
  for (let path = paths[0] ?? ''; path !== ''; path = path.replace(/(?:^|\.)\w+$|\[[^[\]]*\]$/, '')) {
    const near = to.get(path);
    if (near !== undefined) return near;
    if (!/(?:^|\.)\w+$|\[[^[\]]*\]$/.test(path)) break;
  }
  return undefined;
}
