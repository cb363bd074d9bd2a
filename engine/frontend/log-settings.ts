/** Reads and changes the engine's log settings for clients, by tritonserver's names. */
import { messageOf, PerfTsError } from '../../src/common/errors.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { EngineLog, LogSettings } from '../log/engine-log.js';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const switches = ['log_info', 'log_warning', 'log_error'] as const;
const formats = ['default', 'ISO8601', 'json'] as const;
/** What the wire's uint32 holds. */
const LARGEST_LEVEL = 2 ** 32 - 1;

/**
 * Changes the log as asked, all or nothing. Names that are no settings are passed over, as with Triton.
 * Throws ProtocolError for values of wrong types, and for the log file, which only the command line can name.
 */
export function changeLogSettings(log: EngineLog, changes: Readonly<Record<string, unknown>>): void {
  if (changes.log_file !== undefined) {
    throw new ProtocolError('log file location can not be updated through network protocol', 'UNIMPLEMENTED');
  }
  const accepted: Mutable<Partial<LogSettings>> = {};
  for (const name of switches) {
    const value = changes[name];
    if (value === undefined) continue;
    if (typeof value !== 'boolean') throw new ProtocolError(`expect boolean for '${name}'`);
    accepted[name] = value;
  }
  const { log_verbose_level: level, log_format: format } = changes;
  if (level !== undefined) {
    if (typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > LARGEST_LEVEL) {
      throw new ProtocolError("expect int32 for 'log_verbose_level'");
    }
    accepted.log_verbose_level = level;
  }
  if (format !== undefined) {
    const known = formats.find((name) => name === format);
    if (known === undefined) throw new ProtocolError(`invalid argument for log_format, got: ${String(format)}`);
    accepted.log_format = known;
  }
  try {
    log.change(accepted);
  } catch (thrown) {
    throw thrown instanceof PerfTsError ? new ProtocolError(messageOf(thrown)) : thrown;
  }
}
