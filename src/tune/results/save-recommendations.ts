/**
 * The recommended folder of a study: for each recommendation the model directory with its config.pbtxt, the diff, the
 * server's flags, and a script that measures it and the default again.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { convertFolder } from '../../onnx/convert/convert-folder.js';
import { writeFileAtomically } from '../../record/atomic-file.js';
import type { Recommendation, StudyRecord } from '../../record/study-record.js';
import type { StudyModel } from '../variants.js';
import { type ReproLoad, writeReproScript } from './repro-script.js';

export type RecommendationKind = 'portable' | 'engine';

export interface RecommendationFolder {
  /** Writes `recommended/KIND/MODEL/` whole or not at all, and returns its absolute path. */
  saveRecommendation(configPbtxt: string, modelFolder: string, kind: RecommendationKind): Promise<string>;
}

export interface SavedRecommendation {
  readonly kind: RecommendationKind;
  /** Absolute path of the model's folder; its parent is a model repository that also holds what goes with it. */
  readonly modelFolder: string;
}

/** Throws PerfTsError OUTPUT_UNWRITABLE. */
export async function saveRecommendations(
  record: StudyRecord,
  model: StudyModel,
  folder: RecommendationFolder,
  requestArguments: readonly string[] = [],
): Promise<readonly SavedRecommendation[]> {
  const saved: SavedRecommendation[] = [];
  for (const kind of ['portable', 'engine'] as const) {
    const recommendation = record.recommended[kind];
    if (recommendation === null) continue;
    const modelFolder = await saveFiles(recommendation, model, folder, kind);
    await saveCompanions(record, recommendation, model, dirname(modelFolder), requestArguments);
    saved.push({ kind, modelFolder });
  }
  return saved;
}

/** With the model's files as they are, or converted as the variant's were. */
async function saveFiles(
  { configPbtxt, precision }: Recommendation,
  model: StudyModel,
  folder: RecommendationFolder,
  kind: RecommendationKind,
): Promise<string> {
  if (precision !== 'fp16') return await folder.saveRecommendation(configPbtxt, model.folder, kind);
  const draft = await mkdtemp(join(tmpdir(), 'perf-ts-convert-'));
  try {
    const converted = await convertFolder({ source: model.folder, toRepository: draft, name: model.name });
    return await folder.saveRecommendation(configPbtxt, converted.folder, kind);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function saveCompanions(
  record: StudyRecord,
  recommendation: Recommendation,
  model: StudyModel,
  repository: string,
  requestArguments: readonly string[],
): Promise<void> {
  const serverFlags = recommendation.serverFlags ?? [];
  await writeFileAtomically(join(repository, 'config.diff'), recommendation.diff);
  if (serverFlags.length > 0)
    await writeFileAtomically(join(repository, 'server-flags'), `${serverFlags.join('\n')}\n`);
  const script = join(repository, 'repro.sh');
  await writeFileAtomically(
    script,
    writeReproScript({
      model: record.model,
      originalRepository: dirname(model.folder),
      serverFlags,
      defaultLoad: loadOf(record, 'default'),
      recommendedLoad: loadOf(record, recommendation.id),
      requestArguments,
    }),
  );
  await chmod(script, 0o755);
}

/** The load of a variant's last level. */
function loadOf({ trials }: StudyRecord, variantId: string): ReproLoad {
  const load = trials.findLast((trial) => trial.variantId === variantId && trial.level !== null)?.level?.load;
  if (load?.kind !== 'closed') return { concurrency: 1, batchSize: 1 };
  return { concurrency: load.concurrency, batchSize: load.batchSize };
}
