/**
 * Options declared once: a row gives the flag, its parser, its default and its help; types, the yargs declaration,
 * the checks, the help page and the reference table in docs all come from the rows.
 */
import { appendAll } from './append-all.js';
import { messageOf, PerfTsError, type Problem } from './errors.js';

export interface OptionRow<T> {
  /** Long name without dashes. */
  readonly flag: string;
  /** Other spellings: one letter, or perf_analyzer's name. */
  readonly aliases: readonly string[];
  readonly kind: 'value' | 'switch';
  readonly isRepeatable: boolean;
  /** Stands for the value in help, such as `START:END[:STEP]`. */
  readonly placeholder: string;
  /** As a person would type it; undefined when the option has none. */
  readonly defaultText: string | undefined;
  readonly help: string;
  /** Heading in help and docs. */
  readonly group: string;
  /** Flags that cannot stand beside this one. */
  readonly conflicts: readonly string[];
  /** Set where the value names what will be written: it is proven writable before the command starts. */
  readonly writes: OutputKind | undefined;
  /** Turns what was typed (no text at all when the flag is absent) into the value; throws an Error that says what is wrong. */
  readonly read: (texts: readonly string[]) => T;
}

/** A new file must not exist yet; a folder is made with its parents. */
export type OutputKind = 'file' | 'new-file' | 'folder';

export type OptionRows = Readonly<Record<string, OptionRow<unknown>>>;
export type OptionValues<Rows extends OptionRows> = {
  readonly [Key in keyof Rows]: Rows[Key] extends OptionRow<infer T> ? T : never;
};

interface RowDeclaration {
  readonly flag: string;
  readonly aliases?: readonly string[];
  readonly placeholder?: string;
  readonly help: string;
  readonly group: string;
  readonly conflicts?: readonly string[];
  readonly writes?: OutputKind;
}

function row<T>(
  declaration: RowDeclaration,
  rest: Pick<OptionRow<T>, 'kind' | 'isRepeatable' | 'defaultText' | 'read'>,
): OptionRow<T> {
  const { flag, help, group } = declaration;
  const { aliases = [], placeholder = 'VALUE', conflicts = [], writes } = declaration;
  return { flag, help, group, aliases, placeholder, conflicts, writes, ...rest };
}

function single(texts: readonly string[]): string | undefined {
  if (texts.length > 1) throw new Error(`given ${texts.length} times, but takes one value`);
  return texts[0];
}

type Parse<T> = (text: string) => T;

/** An option that may be left out. */
export const optional = <T>(declaration: RowDeclaration & { readonly parse: Parse<T> }): OptionRow<T | undefined> =>
  row(declaration, {
    kind: 'value',
    isRepeatable: false,
    defaultText: undefined,
    read: (texts) => {
      const text = single(texts);
      return text === undefined ? undefined : declaration.parse(text);
    },
  });

/** An option with a default, written as a person would type it and parsed like any value. */
export const withDefault = <T>(
  declaration: RowDeclaration & { readonly parse: Parse<T>; readonly defaultText: string },
): OptionRow<T> =>
  row(declaration, {
    kind: 'value',
    isRepeatable: false,
    defaultText: declaration.defaultText,
    read: (texts) => declaration.parse(single(texts) ?? declaration.defaultText),
  });

/** An option that must be given. */
export const required = <T>(declaration: RowDeclaration & { readonly parse: Parse<T> }): OptionRow<T> =>
  row(declaration, {
    kind: 'value',
    isRepeatable: false,
    defaultText: undefined,
    read: (texts) => {
      const text = single(texts);
      if (text === undefined) throw new Error('is required');
      return declaration.parse(text);
    },
  });

/** An option that may be given any number of times. */
export const repeated = <T>(declaration: RowDeclaration & { readonly parse: Parse<T> }): OptionRow<readonly T[]> =>
  row(declaration, {
    kind: 'value',
    isRepeatable: true,
    defaultText: undefined,
    read: (texts) => texts.map((text) => declaration.parse(text)),
  });

/** A flag without a value; `--flag`, `--no-flag` or `--flag=false`. */
export const toggle = (declaration: RowDeclaration & { readonly defaultText?: 'true' | 'false' }): OptionRow<boolean> =>
  row(declaration, {
    kind: 'switch',
    isRepeatable: false,
    defaultText: declaration.defaultText ?? 'false',
    read: (texts) => {
      const text = texts.at(-1) ?? declaration.defaultText ?? 'false';
      if (!['true', 'false', '1', '0'].includes(text)) throw new Error(`must be true or false, not '${text}'`);
      return text === 'true' || text === '1';
    },
  });

/** Reads every row; `texts` is keyed by flag. All problems are returned together; values are complete only without any. */
export function readOptions<Rows extends OptionRows>(
  rows: Rows,
  texts: Readonly<Record<string, readonly string[]>>,
): { readonly values: OptionValues<Rows>; readonly problems: readonly Problem[] } {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [key, option] of Object.entries(rows)) {
    try {
      values[key] = option.read(texts[option.flag] ?? []);
    } catch (thrown) {
      if (thrown instanceof PerfTsError) appendAll(problems, thrown.problems);
      else problems.push({ where: `--${option.flag}`, what: messageOf(thrown) });
    }
    const clash = option.conflicts.find((flag) => texts[flag] !== undefined);
    if (texts[option.flag] !== undefined && clash !== undefined) {
      problems.push({
        where: `--${option.flag}`,
        what: `cannot be used with --${clash}`,
        hint: 'leave one of them out',
      });
    }
  }
  return { values: values as OptionValues<Rows>, problems };
}
