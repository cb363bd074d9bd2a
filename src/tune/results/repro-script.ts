/** The script that measures the default and a recommendation again, in turn, on engines of its own. */
import { ENGINE_NICENESS } from '../../target/engine-process.js';

export interface ReproOptions {
  /** One, or several that share the load by their weights. */
  readonly models: readonly { readonly name: string; readonly weight: number }[];
  /** Folders that hold the user's `MODEL/`, at least one. */
  readonly originalRepositories: readonly string[];
  /** Flags of the recommendation's server, beside those of both. */
  readonly serverFlags: readonly string[];
  readonly defaultLoad: ReproLoad;
  readonly recommendedLoad: ReproLoad;
  /** Arguments for what requests hold, such as `--shape x:3`. */
  readonly requestArguments: readonly string[];
}

export interface ReproLoad {
  readonly concurrency: number;
  readonly batchSize: number;
}

const ROUNDS = 3;

/** For a POSIX shell; it lies beside the recommended model's folder, and `perf-ts` must be on the PATH or in PERF_TS. */
export function writeReproScript(options: ReproOptions): string {
  const { models, serverFlags, defaultLoad, recommendedLoad } = options;
  const names = models.map(({ name }) => name);
  const loaded = names.map((name) => `--load-model ${quote(name)}`).join(' ');
  const measured = models
    .map(({ name, weight }) => `-m ${quote(models.length === 1 ? name : `${name}:${weight}`)}`)
    .join(' ');
  const [original = '', ...others] = options.originalRepositories;
  const flagsOf = (flags: readonly string[]): string => flags.map((flag) => ` ${quote(flag)}`).join('');
  const load = ({ concurrency, batchSize }: ReproLoad): string =>
    `--concurrency-range ${concurrency}:${concurrency}:1 -b ${batchSize}`;
  const requests = options.requestArguments.map(quote).join(' ');
  return `#!/bin/sh
# Measures the default and the recommended configuration of ${oneLine(names.join(' and '))} again, in ${ROUNDS} interleaved rounds.
# PERF_TS is the command (default perf-ts), PORT the engine's gRPC port (default 18001), RESULTS where records go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
perf_ts=\${PERF_TS:-perf-ts}
port=\${PORT:-18001}
results=\${RESULTS:-$here/repro}
original=\${ORIGINAL:-${quote(original)}}
engine=
stop() {
  if [ -n "$engine" ]; then kill "$engine" 2>/dev/null || true; wait "$engine" 2>/dev/null || true; engine=; fi
}
trap stop EXIT INT TERM
measure() {
  name=$1 repository=$2 load=$3
  shift 3
  # As in the trials, the engine yields the CPU to what measures it.
  nice -n ${ENGINE_NICENESS} $perf_ts serve --model-repository "$repository" --model-control-mode explicit ${loaded} \\
    --grpc-port "$port" --allow-http=false --allow-metrics=false "$@" &
  engine=$!
  echo "== $name"
  tries=0
  # The engine answers once the model is ready; until then the target is unreachable, which is exit code 4.
  while :; do
    code=0
    $perf_ts ${measured} -u "127.0.0.1:$port" -i grpc $load ${requests} --results "$results/$name" || code=$?
    tries=$((tries + 1))
    if [ "$code" -ne 4 ]; then break; fi
    if [ "$tries" -ge 5 ] || ! kill -0 "$engine" 2>/dev/null; then exit 4; fi
    sleep 1
  done
  # An unstable level (2) is a result too.
  if [ "$code" -ne 0 ] && [ "$code" -ne 2 ]; then exit "$code"; fi
  stop
}
for round in ${Array.from({ length: ROUNDS }, (_, index) => index + 1).join(' ')}; do
  echo "-- round $round"
  measure default "$original" ${quote(load(defaultLoad))}${flagsOf(others.map((folder) => `--model-repository=${folder}`))}
  measure recommended "$here" ${quote(load(recommendedLoad))}${flagsOf(serverFlags)}
done
echo "Records are in $results."
`;
}

/** One word for a POSIX shell. */
export const quote = (text: string): string =>
  /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const oneLine = (text: string): string => text.replace(/\s+/g, ' ');
