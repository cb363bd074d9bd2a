/**
 * The trace settings of all models and of single ones, kept and answered as Triton does that was started without a
 * trace file. Nothing is traced: a level other than OFF is refused for want of that file.
 */
import { ProtocolError } from '../../src/kserve/protocol-error.js';

/** By setting name; a level may have several values, the others have one. An empty list clears a setting. */
export type TraceChanges = Readonly<Record<string, readonly string[]>>;

const defaults = {
  trace_level: ['OFF'],
  trace_rate: ['1000'],
  trace_count: ['-1'],
  log_frequency: ['0'],
  trace_file: [''],
  trace_mode: ['triton'],
} as const;

export type TraceSettingName = keyof typeof defaults;
export type TraceValues = Readonly<Record<TraceSettingName, readonly string[]>>;

const levels = ['OFF', 'TIMESTAMPS', 'TENSORS'];
/** Those that can be changed, with their smallest value. */
const lowest: Readonly<Record<string, number>> = { trace_rate: 0, trace_count: -1, log_frequency: 0 };
const LARGEST = 2 ** 31 - 1;

export class TraceSettings {
  readonly #common = new Map<string, readonly string[]>();
  readonly #byModel = new Map<string, ReadonlyMap<string, readonly string[]>>();

  /** What applies to a model, or for an empty name to all that have no settings of their own. */
  read(modelName: string): TraceValues {
    const own = this.#byModel.get(modelName);
    const valuesOf = (name: TraceSettingName) => own?.get(name) ?? this.#common.get(name) ?? defaults[name];
    return {
      trace_level: valuesOf('trace_level'),
      trace_rate: valuesOf('trace_rate'),
      trace_count: valuesOf('trace_count'),
      log_frequency: valuesOf('log_frequency'),
      trace_file: valuesOf('trace_file'),
      trace_mode: valuesOf('trace_mode'),
    };
  }

  /** Changes all or nothing. Throws ProtocolError for values that are none; names that are none are passed over. */
  change(modelName: string, changes: TraceChanges): void {
    for (const [name, values] of Object.entries(changes)) checkChange(name, values);
    const settings = modelName === '' ? this.#common : new Map(this.#byModel.get(modelName));
    for (const [name, values] of Object.entries(changes)) {
      if (name !== 'trace_level' && !Object.hasOwn(lowest, name)) continue;
      if (values.length === 0) settings.delete(name);
      else if (name !== 'trace_level') settings.set(name, [String(Number(values[0]))]);
      else if (levels.includes(values[0]!)) settings.set(name, values);
    }
    if (modelName !== '') this.#byModel.set(modelName, settings);
  }
}

function checkChange(name: string, values: readonly string[]): void {
  if (name === 'trace_file') {
    throw new ProtocolError('trace file location can not be updated through network protocol', 'UNIMPLEMENTED');
  }
  if (name === 'trace_level') checkLevels(values);
  else if (Object.hasOwn(lowest, name) && values.length > 0) checkNumber(name, values, lowest[name]!);
}

function checkLevels(values: readonly string[]): void {
  if (values.length > 1 && values.includes('OFF')) {
    throw new ProtocolError("Expect only one trace level 'OFF' is specified");
  }
  if (values.some((value) => value !== 'OFF' && levels.includes(value))) {
    throw new ProtocolError('Attempting to set invalid trace setting :trace file name is not given');
  }
}

function checkNumber(name: string, values: readonly string[], low: number): void {
  if (values.length > 1) throw new ProtocolError(`expect only 1 value for '${name}'`);
  const text = values[0]!;
  if (!/^[+-]?\d+$/.test(text)) throw new ProtocolError(`Unable to parse '${name}', got: ${text}`);
  if (Number(text) < low) {
    throw new ProtocolError(`Unable to parse '${name}'. Expecting value >= ${low}, got:${text}`);
  }
  if (Number(text) > LARGEST) throw new ProtocolError(`Unable to parse '${name}', value is out of range, got: ${text}`);
}
