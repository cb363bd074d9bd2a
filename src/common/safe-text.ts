/**
 * Text from servers, models, files and command lines, made harmless for whoever shows it. Control, bidirectional and
 * other invisible characters could drive a terminal, hide words or reverse them.
 */

/**
 * Everything that is not shown as itself: controls (C0 but for line feed and tab, DEL, C1), line and paragraph
 * separators, unpaired surrogates, and format characters such as U+202E. The two joiners stay: scripts and emoji need them.
 */
const unsafe = /(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** The same text with a visible question mark for each unsafe character. */
export const withoutControls = (text: string): string => text.replace(unsafe, '?');

/** As `withoutControls`, on one line: line feeds and tabs become spaces. */
export const onOneLine = (text: string): string => withoutControls(text.replace(/[\r\n\t]+/g, ' '));

/** Bold, dim, italic, underline, inverse and the sixteen colours; no others, since they could hide text. */
const color = new RegExp(`${String.fromCharCode(27)}\\[(?:0|[12347]|2[2-79]|3[0-79]|4[0-79]|9[0-7])m`, 'g');

/** As `withoutControls`, but keeps the colours that our own renderers set. They filter what they colour. */
export function keepingColors(text: string): string {
  const codes = text.match(color);
  if (codes === null) return withoutControls(text);
  return text
    .split(color)
    .map((part, index) => `${withoutControls(part)}${codes[index] ?? ''}`)
    .join('');
}

/** JSON text of a value with unsafe characters as escapes: it parses to exactly the same value. On one line unless indented. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(''),
  );

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
