/**
 * How a recommendation for a server that is not our engine is measured again: a sweep whose knobs have the recommended
 * values alone, which compares them with the default in interleaved rounds and leaves the server as it was.
 */
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileAtomically } from '../../record/atomic-file.js';
import type { Recommendation, StudyRecord } from '../../record/study-record.js';
import type { ServerQuestion } from '../launchers/study-server.js';
import type { StudyModel } from '../variants/variants.js';
import { oneLine, quote } from './repro-script.js';

export interface RerunOptions {
  readonly record: StudyRecord;
  readonly recommendation: Recommendation;
  readonly model: StudyModel;
  /** Where the files go: the recommendation's model repository. */
  readonly repository: string;
  /** Arguments for what requests hold, such as `--shape x:3`. */
  readonly requestArguments: readonly string[];
  readonly server: Exclude<ServerQuestion, { readonly kind: 'engine' }>;
}

const BUDGET = '90s';

/** Writes `repro.yaml` and `repro.sh`. Throws PerfTsError OUTPUT_UNWRITABLE. */
export async function saveRerun(options: RerunOptions): Promise<void> {
  await writeFileAtomically(join(options.repository, 'repro.yaml'), rerunFile(options));
  await writeFileAtomically(join(options.repository, 'repro.sh'), rerunScript(options));
}

function rerunFile({ record, recommendation }: RerunOptions): string {
  const { parameters = {} } = record.trials.find(({ variantId }) => variantId === recommendation.id) ?? {};
  const base = record.trials.find(({ variantId }) => variantId === 'default')?.parameters ?? {};
  const changed = Object.entries(parameters).filter(([name, value]) => value !== base[name]);
  const load = record.trials.find(({ variantId }) => variantId === recommendation.id)?.level?.load;
  const head = '# The recommended values alone: a sweep over them measures the default and the recommendation.\n';
  const batchSize = load?.batchSize ?? 1;
  return (
    head +
    stringify({
      strategy: 'exhaustive',
      budget: BUDGET,
      ...(batchSize > 1 && { load: { batch_size: batchSize } }),
      knobs: Object.fromEntries(changed.map(([name, value]) => [name, [value]])),
    })
  );
}

function rerunScript({ record, model, requestArguments, server }: RerunOptions): string {
  const where =
    server.kind === 'remote'
      ? `-u "\${SERVER:-${server.endpoint}}"${Object.keys(server.headers ?? {})
          .map((name) => ` --header "${name}:\${HEADER:?the value of the header ${name}}"`)
          .join('')}`
      : `--server local --tritonserver "\${TRITONSERVER:-${server.command}}" --model-repository "\${ORIGINAL:-${dirname(model.folder)}}"`;
  const settings =
    server.kind === 'remote' ? 'SERVER its address' : 'TRITONSERVER the server, ORIGINAL the model repository';
  return `#!/bin/sh
# Measures the default and the recommended configuration of ${oneLine(record.model)} again, in interleaved rounds.
# PERF_TS is the command (default perf-ts), ${settings}, RESULTS where records go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec \${PERF_TS:-perf-ts} sweep -m ${quote(record.model)} ${where} \\
  -f "$here/repro.yaml" ${requestArguments.map(quote).join(' ')} --results "\${RESULTS:-$here/repro}" "$@"
`;
}
