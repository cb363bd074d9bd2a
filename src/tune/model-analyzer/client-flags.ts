/** Model Analyzer's `perf_analyzer_flags`: those that say what requests hold, and the others, which mean nothing here. */
import { messageOf } from '../../common/errors.js';
import { parseInputChoice } from '../../plan/input-data/input-choice.js';
import { parseShape } from '../../plan/parse-load-options.js';
import { type Constraint, parseConstraint } from '../objectives/constraint.js';
import { findMetric } from '../objectives/metric.js';
import type { FilePlace, FileRequests } from '../sweep-files/sweep-file.js';
import { isMessage } from './config-parameters.js';

type Path = readonly PropertyKey[];

interface Reading {
  readonly faults: FilePlace[];
  readonly notes: FilePlace[];
}

export interface ClientFlags extends FileRequests {
  readonly constraints: readonly Constraint[];
}

/** What perf_analyzer holds against its threshold: the percentile that it was told, or the mean. */
function limitedLatency(percentile: unknown): string {
  if (percentile === undefined || percentile === -1) return 'latency_mean';
  const metric = `latency_p${String(percentile)}`;
  if (findMetric(metric) !== undefined) return metric;
  throw new Error(`cannot be held at the percentile ${String(percentile)}: 50, 90, 95 or 99 can`);
}

/** What requests hold by these flags, and the limit that perf_analyzer ends a range at; every flag may be one value or a list of them. */
export function readClientFlags(value: unknown, path: Path, { faults, notes }: Reading): ClientFlags {
  const requests = {
    shapes: [],
    inputChoices: [],
    constraints: [],
    stringLengthBytes: undefined,
    stringData: undefined,
  };
  if (value === undefined || value === null) return requests;
  if (!isMessage(value)) {
    faults.push({ path, what: 'must be flags with their values, such as shape: [input:3,224,224]' });
    return requests;
  }
  const found: { -readonly [Key in keyof ClientFlags]: ClientFlags[Key] } = requests;
  const readers: Readonly<Record<string, (text: string) => void>> = {
    shape: (text) => {
      found.shapes = [...found.shapes, parseShape(text)];
    },
    'input-data': (text) => {
      found.inputChoices = [...found.inputChoices, parseInputChoice(text)];
    },
    'string-length': (text) => {
      if (!/^\d{1,7}$/.test(text)) throw new Error(`must be a whole number, not '${text}'`);
      found.stringLengthBytes = Number(text);
    },
    'string-data': (text) => {
      found.stringData = text;
    },
    'latency-threshold': (text) => {
      if (!/^\d+$/.test(text)) throw new Error(`must be whole milliseconds, not '${text}'`);
      // 0 is no limit.
      if (Number(text) > 0) found.constraints = [parseConstraint(`${limitedLatency(value.percentile)} <= ${text}ms`)];
    },
  };
  for (const [flag, given] of Object.entries(value)) {
    const at = [...path, flag];
    const read = readers[flag.replaceAll('_', '-')];
    if (read === undefined) {
      notes.push({ path: at, what: 'has no meaning here: every level is measured until it is precise enough' });
      continue;
    }
    for (const [index, text] of (Array.isArray(given) ? given : [given]).entries()) {
      const place = Array.isArray(given) ? [...at, index] : at;
      if (typeof text !== 'string' && typeof text !== 'number') {
        faults.push({ path: place, what: 'must be written as on a command line of perf_analyzer' });
        continue;
      }
      try {
        read(String(text));
      } catch (thrown) {
        faults.push({ path: place, what: messageOf(thrown) });
      }
    }
  }
  return found;
}
