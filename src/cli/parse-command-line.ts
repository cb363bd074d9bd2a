/**
 * Reads a command line with yargs from a command's option rows. yargs splits words and writes the help page; values
 * are parsed by the rows, so that every problem is reported in one go.
 */
import type { Argv } from 'yargs';
import { closestWord } from '../common/closest-word.js';
import { PerfTsError, type Problem } from '../common/errors.js';
import { type OptionRow, type OptionRows, type OptionValues, readOptions } from '../common/option-row.js';
import { packageVersion } from '../common/package-root.js';
import type { Command } from './command.js';
import { commandEntries } from './commands.js';
import { checkOutputs } from './output-file.js';
import { describeForeign } from './perf-analyzer-flags.js';
import { readPlainWords } from './plain-words.js';

export type ParsedCommandLine<Rows extends OptionRows> =
  | { readonly state: 'answered'; readonly text: string }
  | {
      readonly state: 'run';
      readonly values: OptionValues<Rows>;
      readonly positionals: readonly string[];
      /** What of the command line has no effect, a sentence each. */
      readonly remarks: readonly string[];
    };

/** Help and version are answered here; all problems of all options are thrown together as PerfTsError BAD_OPTION. */
export async function parseCommandLine<Rows extends OptionRows>(
  name: string,
  command: Command<Rows>,
  typed: readonly string[],
  width: number,
): Promise<ParsedCommandLine<Rows>> {
  const { words, problems: foreign } = command.translate?.(typed) ?? { words: typed, problems: [] };
  const rows: readonly OptionRow<unknown>[] = Object.values(command.rows);
  const plain = readPlainWords(rows, words);
  if (plain !== undefined) {
    const { values, problems } = readOptions(command.rows, plain);
    const all = [...foreign, ...problems, ...(await checkOutputs(rows, plain))];
    if (all.length > 0) throw new PerfTsError('BAD_OPTION', all);
    return { state: 'run', values, positionals: [], remarks: [] };
  }
  const parser = await declareOptions(name, command, rows, width);
  const parsed = (await parser.parse([...words])) as Record<string, unknown>;
  if (parsed.help === true) return { state: 'answered', text: withoutTypes(await parser.getHelp()) };
  if (parsed.version === true) return { state: 'answered', text: packageVersion };

  const positionals = (parsed._ as readonly unknown[]).map(String);
  const texts = textsByFlag(rows, parsed);
  const { values, problems } = readOptions(command.rows, texts);
  const all: readonly Problem[] = [
    ...foreign,
    ...findUnknownFlags(rows, command.refusedFlags ?? {}, parsed),
    ...(command.takesPositionals === true ? [] : positionals.map(describeStray)),
    ...problems,
    ...(await checkOutputs(rows, texts)),
  ];
  if (all.length > 0) throw new PerfTsError('BAD_OPTION', all);
  return { state: 'run', values, positionals, remarks: findNeutralFlags(command.refusedFlags ?? {}, parsed) };
}

async function declareOptions(
  name: string,
  command: Command,
  rows: readonly OptionRow<unknown>[],
  width: number,
): Promise<Argv> {
  // Only where it is needed: loading it takes as long as the rest of a command's start.
  const { default: yargs } = await import('yargs');
  const parser = yargs()
    .scriptName('perf-ts')
    .usage(`Usage: ${command.usage}`)
    .parserConfiguration({
      'camel-case-expansion': false,
      'parse-numbers': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'strip-aliased': true,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .wrap(Math.min(width, 120));
  if (name === 'measure') {
    for (const [word, entry] of Object.entries(commandEntries)) {
      if (word !== 'measure') parser.command(word, entry.summary, () => undefined);
    }
  }
  for (const option of rows) {
    parser.option(option.flag, {
      alias: [...option.aliases],
      // Everything arrives as text; a switch may stand alone.
      type: option.kind === 'switch' ? 'boolean' : 'string',
      ...(option.kind === 'value' ? { requiresArg: false } : {}),
      describe: describeOption(option),
      group: `${option.group}:`,
    });
  }
  parser.option('help', { alias: 'h', type: 'boolean', describe: 'this page', group: 'General:' });
  parser.option('version', { type: 'boolean', describe: 'the version of perf-ts', group: 'General:' });
  for (const [line, meaning] of command.examples) parser.example(line, meaning);
  return parser;
}

function describeOption({ kind, placeholder, help, defaultText }: OptionRow<unknown>): string {
  if (kind === 'switch') return defaultText === 'true' ? `${help} [on]` : help;
  return defaultText === undefined || defaultText === ''
    ? `${placeholder}: ${help}`
    : `${placeholder}: ${help} [${defaultText}]`;
}

/** yargs names every value's type, and all of ours are texts until their rows parse them. */
const withoutTypes = (help: string): string => help.replaceAll(/\s+\[(?:string|boolean)\](?=\n|$)/g, '');

function textsByFlag(
  rows: readonly OptionRow<unknown>[],
  parsed: Readonly<Record<string, unknown>>,
): Record<string, readonly string[]> {
  const texts: Record<string, readonly string[]> = {};
  for (const { flag } of rows) {
    const value = parsed[flag];
    if (value !== undefined) texts[flag] = (Array.isArray(value) ? value : [value]).map(String);
  }
  return texts;
}

function findUnknownFlags(
  rows: readonly OptionRow<unknown>[],
  refused: NonNullable<Command['refusedFlags']>,
  parsed: Readonly<Record<string, unknown>>,
): Problem[] {
  const known = new Set(['_', '$0', 'help', 'version', ...rows.flatMap((option) => [option.flag, ...option.aliases])]);
  const longNames = rows.flatMap((option) => [option.flag, ...option.aliases.filter((alias) => alias.length > 1)]);
  return Object.keys(parsed)
    .filter((flag) => !known.has(flag) && !isNeutral(flag, refused, parsed))
    .map((flag) => describeUnknown(flag, refused, longNames));
}

/** True for a flag that is refused otherwise and asks for nothing at the values it was given. */
function isNeutral(
  flag: string,
  refused: NonNullable<Command['refusedFlags']>,
  parsed: Readonly<Record<string, unknown>>,
): boolean {
  const neutral = Object.hasOwn(refused, flag) ? refused[flag]!.neutral : undefined;
  const given = parsed[flag];
  return neutral !== undefined && (Array.isArray(given) ? given : [given]).every((text) => neutral.test(String(text)));
}

const findNeutralFlags = (
  refused: NonNullable<Command['refusedFlags']>,
  parsed: Readonly<Record<string, unknown>>,
): readonly string[] =>
  Object.keys(parsed)
    .filter((flag) => isNeutral(flag, refused, parsed))
    .map((flag) => `--${flag} has no effect: ${refused[flag]!.reason}`);

function describeUnknown(
  flag: string,
  refused: NonNullable<Command['refusedFlags']>,
  longNames: readonly string[],
): Problem {
  const where = flag.length === 1 ? `-${flag}` : `--${flag}`;
  if (Object.hasOwn(refused, flag))
    return { where, what: `has no meaning here: ${refused[flag]!.reason}`, hint: 'leave it out' };
  const foreign = describeForeign(flag);
  if (foreign !== undefined) return foreign;
  const near = closestWord(flag, longNames);
  return { where, what: 'no such option', hint: near === undefined ? '--help lists them' : `did you mean --${near}?` };
}

const describeStray = (word: string): Problem => ({
  where: word,
  what: 'is not an option and this command takes no further words',
  hint: 'options begin with a dash; a model is named with -m',
});
