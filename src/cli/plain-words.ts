/**
 * Reads plain command lines, `--flag=value`, `--flag value` and `--switch` with known long names, without yargs, whose
 * loading would take a good part of an engine's start. Everything else is left to yargs, which reads these the same way.
 */
import type { OptionRow } from '../common/option-row.js';

/** No quotes, which yargs takes off, and nothing that could be another option. */
const plainValue = /^[^-'"][^'"]*$/;

/** Values by flag, or undefined for words that are not that plain. */
export function readPlainWords(
  rows: readonly OptionRow<unknown>[],
  words: readonly string[],
): Record<string, readonly string[]> | undefined {
  const byName = new Map(rows.flatMap((row) => [row.flag, ...row.aliases].map((name) => [name, row] as const)));
  const texts: Record<string, string[]> = {};
  for (let place = 0; place < words.length; place++) {
    const [, name = '', joined] = /^--([a-z][a-z0-9-]+)(?:=(.*))?$/s.exec(words[place]!) ?? [];
    const row = byName.get(name);
    if (row === undefined) return undefined;
    const value = joined ?? (row.kind === 'switch' ? 'true' : words[++place]);
    if (value === undefined || !plainValue.test(value)) return undefined;
    // A switch that is given twice has rules of its own in yargs.
    const isOdd = row.kind === 'switch' && (texts[row.flag] !== undefined || !/^(true|false)$/.test(value));
    if (isOdd) return undefined;
    texts[row.flag] = [...(texts[row.flag] ?? []), value];
  }
  return texts;
}
