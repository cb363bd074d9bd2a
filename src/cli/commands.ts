/** The list of commands. Measuring has no name: it is what perf-ts does when no command is named. */
import { closestWord } from '../common/closest-word.js';
import { PerfTsError } from '../common/errors.js';
import { loadAhead } from '../common/load-ahead.js';
import type { Command } from './command.js';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commandEntries: Readonly<Record<string, CommandEntry>> = {
  measure: {
    summary: 'measure a model over a range of loads (also without the word measure)',
    load: async () => (await import('./commands/measure.js')).measureCommand as Command,
  },
  sweep: {
    summary: 'try config.pbtxt variants and recommend the best one',
    load: async () => (await import('./commands/sweep.js')).sweepCommand as Command,
  },
  serve: {
    summary: 'run the bundled engine alone (KServe v2 over gRPC and HTTP)',
    async load() {
      loadAhead('src/cli/commands/serve');
      return (await import('./commands/serve.js')).serveCommand as Command;
    },
  },
  report: {
    summary: 'render records again: HTML, CSV, JSON, Markdown or a table',
    load: async () => (await import('./commands/report.js')).reportCommand as Command,
  },
  models: {
    summary: 'demo models: list, write; any model: convert to FP16, compare the answers of a variant',
    load: async () => (await import('./commands/models.js')).modelsCommand as Command,
  },
  runtime: {
    summary: 'list, install and remove builds of ONNX Runtime',
    load: async () => (await import('./commands/runtime.js')).runtimeCommand as Command,
  },
  doctor: {
    summary: 'what is installed, usable and missing on this host, and what to do',
    load: async () => (await import('./commands/doctor.js')).doctorCommand as Command,
  },
  calibrate: {
    summary: 'find what the load generator itself can do on this host',
    load: async () => (await import('./commands/calibrate.js')).calibrateCommand as Command,
  },
};

/** Commands of the design that are not there yet, so that their names are not taken for mistakes. */
const plannedCommands: readonly string[] = ['gate', 'check'];

/** Splits the command's name off the command line. Throws PerfTsError BAD_OPTION for a name that is none. */
export function findCommand(argv: readonly string[]): {
  readonly name: string;
  readonly load: () => Promise<Command>;
  readonly rest: readonly string[];
} {
  const first = argv[0];
  if (first === undefined || first.startsWith('-')) {
    return { name: 'measure', load: commandEntries.measure!.load, rest: argv };
  }
  const entry = Object.hasOwn(commandEntries, first) ? commandEntries[first] : undefined;
  if (entry !== undefined) return { name: first, load: entry.load, rest: argv.slice(1) };
  throw new PerfTsError('BAD_OPTION', unknownCommand(first));
}

function unknownCommand(name: string): { what: string; hint: string } {
  if (plannedCommands.includes(name)) {
    return {
      what: `'perf-ts ${name}' is planned but not part of this version`,
      hint: "'perf-ts --help' lists what is",
    };
  }
  const near = closestWord(name, Object.keys(commandEntries));
  const hint =
    near === undefined ? "'perf-ts --help' lists the commands; a model is named with -m" : `did you mean '${near}'?`;
  return { what: `there is no command '${name}'`, hint };
}
