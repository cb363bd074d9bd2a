/**
 * perf_analyzer's flags that are no options here. At the value that means what perf-ts does anyway they are accepted; those it
 * gave up itself become their successors; all others are refused by name, never ignored.
 */
import type { Problem } from '../common/errors.js';

/** A flag of perf_analyzer, without dashes. */
interface ForeignFlag {
  /** Undefined for a switch. */
  readonly placeholder?: string;
  /** What it is for, after "perf_analyzer's flag for ". */
  readonly purpose: string;
  /** Whether perf-ts does what it asks for without it. */
  readonly isNeutral?: (value: string) => boolean;
}

const is =
  (...values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value.toLowerCase());
const any = (): boolean => true;

const sequences = { placeholder: 'N', purpose: 'sequences' };

/** Neutral values are perf_analyzer's own defaults, or what changes nothing without another flag. */
const foreignFlags: Readonly<Record<string, ForeignFlag>> = {
  'service-kind': { placeholder: 'KIND', purpose: 'other kinds of service', isNeutral: is('triton') },
  endpoint: { placeholder: 'PATH', purpose: 'other kinds of service' },
  'model-signature-name': {
    placeholder: 'NAME',
    purpose: 'TensorFlow Serving',
    isNeutral: is('serving_default'),
  },
  // Read by perf_analyzer only with its service kind of a server in its own process.
  'triton-server-directory': { placeholder: 'DIR', purpose: 'in-process serving', isNeutral: any },
  'bls-composing-models': { placeholder: 'NAMES', purpose: 'ensembles', isNeutral: is('') },
  'grpc-method': { placeholder: 'METHOD', purpose: 'methods other than KServe v2’s' },
  proto: { placeholder: 'FILE', purpose: 'methods other than KServe v2’s' },
  // Without mpiexec there is one rank, and nothing to wait for.
  'enable-mpi': { purpose: 'MPI', isNeutral: () => !isUnderMpi() },
  'fixed-schedule': { purpose: 'open-loop load from a schedule' },
  'periodic-concurrency-range': { placeholder: 'RANGE', purpose: 'periodic concurrency' },
  'request-period': { placeholder: 'N', purpose: 'periodic concurrency', isNeutral: is('10') },
  'session-concurrency': { placeholder: 'N', purpose: 'sessions' },
  streaming: { purpose: 'gRPC streams' },
  'num-of-sequences': { ...sequences, isNeutral: is('4') },
  'sequence-length': { ...sequences, isNeutral: is('20') },
  'sequence-length-variation': { ...sequences, isNeutral: is('20', '20.0') },
  'sequence-id-range': { ...sequences, isNeutral: is('1') },
  'serial-sequences': { purpose: 'sequences' },
  'trace-level': { placeholder: 'LEVEL', purpose: 'tracing', isNeutral: is('off') },
  'trace-rate': { placeholder: 'N', purpose: 'tracing', isNeutral: is('1000') },
  'trace-count': { placeholder: 'N', purpose: 'tracing', isNeutral: is('-1') },
  'log-frequency': { placeholder: 'N', purpose: 'tracing', isNeutral: is('0') },
};

const isUnderMpi = (): boolean =>
  ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'].some((name) => Number(process.env[name] ?? 1) > 1);

/** What of the command line is left for the options of perf-ts, and what is refused. */
export interface TranslatedWords {
  readonly words: readonly string[];
  readonly problems: readonly Problem[];
}

/** Takes perf_analyzer's flags out of `words`; everything else stays as it is, in its order. */
export function translatePerfAnalyzerWords(words: readonly string[]): TranslatedWords {
  const left: string[] = [];
  const problems: Problem[] = [];
  const dynamic: DynamicConcurrency = { start: undefined, end: undefined, isDynamic: false };
  for (let place = 0; place < words.length; place++) {
    const { name, joined } = splitWord(words[place]!);
    const nextValue = (): string => joined ?? words[++place] ?? '';
    if (name === 'z' || name === 'zero-input') left.push('--input-data', 'zero');
    else if (name === 'data-directory') left.push('--input-data', nextValue());
    else if (name === 't') dynamic.start = nextValue();
    else if (name === 'c' || name === 'max-concurrency') dynamic.end = nextValue();
    else if (name === 'd') dynamic.isDynamic = true;
    else if (Object.hasOwn(foreignFlags, name)) {
      const flag = foreignFlags[name]!;
      const value = flag.placeholder === undefined ? (joined ?? 'true') : nextValue();
      if (value !== 'false' && flag.isNeutral?.(value) !== true) problems.push(describeRefused(name, value, flag));
    } else left.push(words[place]!);
  }
  return { words: [...left, ...concurrencyWords(dynamic)], problems };
}

/** Its oldest way to name concurrencies: `-t START`, and with `-d` on to `-c END`, where no end goes on until `-l`. */
interface DynamicConcurrency {
  start: string | undefined;
  end: string | undefined;
  isDynamic: boolean;
}

function concurrencyWords({ start, end, isDynamic }: DynamicConcurrency): readonly string[] {
  if (isDynamic) return ['--concurrency-range', `${start ?? 1}:${end ?? 0}:1`];
  return start === undefined ? [] : ['--concurrency-range', start];
}

/** Its short flags may carry their value at once, as in `-t4`. */
function splitWord(word: string): { readonly name: string; readonly joined: string | undefined } {
  const [, name, joined] = /^--([a-z][a-z0-9-]+)(?:=(.*))?$/s.exec(word) ?? /^-([tc])(?:=?(\d+))?$/.exec(word) ?? [];
  if (name !== undefined) return { name, joined };
  return { name: /^-[zd]$/.test(word) ? word.slice(1) : '', joined: undefined };
}

/** What is wrong with such a flag on a command that takes none of them; undefined for any other flag. */
export const describeForeign = (name: string): Problem | undefined =>
  Object.hasOwn(foreignFlags, name)
    ? { ...describeRefused(name, '', foreignFlags[name]!), where: `--${name}` }
    : undefined;

function describeRefused(name: string, value: string, { placeholder, purpose, isNeutral }: ForeignFlag): Problem {
  const where = placeholder === undefined ? `--${name}` : `--${name} ${value}`.trimEnd();
  const what = `perf_analyzer’s flag for ${purpose} is not part of this version yet`;
  return isNeutral === undefined ? { where, what } : { where, what, hint: 'its default value is accepted' };
}
