/** Text broken at spaces for a terminal. */
import { stripVTControlCharacters } from 'node:util';

/** Breaks `text` at spaces into lines of at most `width`; later lines are indented by `indent`. */
export function wrapText(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  const lengthOf = (part: string): number => stripVTControlCharacters(part).length;
  for (const word of text.split(/\s+/)) {
    if (line.trim() !== '' && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/** Lines that are too long broken as `wrapText` does, the others as they are; each keeps its indent. */
export const fitLines = (text: string, width: number): string =>
  text
    .split('\n')
    .map((line) => {
      if (stripVTControlCharacters(line).length <= width) return line;
      const indent = /^ */.exec(line)![0];
      return indent + wrapText(line.trimStart(), width - indent.length).replaceAll('\n', `\n${indent}`);
    })
    .join('\n');
