/** Makes one error of many, so that whoever loads models is told of all that is wrong at once. */
import { PerfTsError } from '../../src/common/errors.js';

/** One error that carries every problem. Throws anything but a PerfTsError: that is a fault of the engine. */
export function mergeFailures(failures: readonly unknown[]): PerfTsError {
  const known = failures.filter((failure) => failure instanceof PerfTsError);
  const fault = failures.find((failure) => !(failure instanceof PerfTsError));
  if (fault !== undefined) throw fault;
  const codes = new Set(known.map((failure) => failure.code));
  const code = codes.size === 1 ? known[0]!.code : 'BAD_FILE';
  return new PerfTsError(
    code,
    known.flatMap((failure) => failure.problems),
    known[0],
  );
}
