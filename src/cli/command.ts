/** What a subcommand is to `main`: option rows and a function. Each command's module is loaded only when it is called. */
import type { OptionRows, OptionValues } from '../common/option-row.js';
import type { TranslatedWords } from './perf-analyzer-flags.js';
import type { Terminal } from './terminal.js';

export interface CommandContext {
  readonly terminal: Terminal;
  /** Aborts on Ctrl-C or SIGTERM; the command then keeps what it has and returns. */
  readonly signal: AbortSignal;
  /** The command line as typed, for the record. */
  readonly argv: readonly string[];
  /** Arguments without a dash, after the command's name. */
  readonly positionals: readonly string[];
}

export interface RefusedFlag {
  readonly reason: string;
  /** Matches the values at which it asks for nothing; it is then taken, with a remark. */
  readonly neutral?: RegExp;
}

export interface Command<Rows extends OptionRows = OptionRows> {
  /** Such as `perf-ts sweep -m MODEL [options]`. */
  readonly usage: string;
  /** Two or three example command lines with a word on each. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  readonly rows: Rows;
  /** Flags of another program that users may bring along and that mean nothing here. */
  readonly refusedFlags?: Readonly<Record<string, RefusedFlag>>;
  /** Turns words of another program's command line into this one's before they are read. */
  readonly translate?: (words: readonly string[]) => TranslatedWords;
  /** Most commands take no arguments without a dash. */
  readonly takesPositionals?: boolean;
  /** True where a signal is the usual way to end, as for a server: its own exit code then stands. */
  readonly endsBySignal?: boolean;
  /** Returns the exit code. */
  run(values: OptionValues<Rows>, context: CommandContext): Promise<number>;
}

/** Keeps the row types while a command is declared. */
export const defineCommand = <Rows extends OptionRows>(command: Command<Rows>): Command<Rows> => command;
