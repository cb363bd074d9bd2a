/**
 * Finds models that run in less time than it takes to hand a batch to another thread, and opens a session for them on
 * the calling thread.
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { OrtError } from '../../src/onnxruntime/ort-error.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import type { ModelSessionPlan } from './instance-messages.js';
import type { ReadyInstances } from './instance-pool.js';
import type { SlotLayout } from './slot-layout.js';
import { timeLargestBatch } from './time-largest-batch.js';

/** Opening a larger model would hold up the calling thread, and its weights would be in memory once more. */
const LARGEST_MODEL_BYTES = 4 << 20;
/** Copying more than this takes longer than a tiny model may run. */
const LARGEST_SLOT_BYTES = 1 << 20;

export interface TinySession {
  readonly session: OrtSession;
  /** What the largest batch took, nanoseconds. */
  readonly runNs: number;
}

/**
 * A session of the model for this thread, or undefined unless its largest batch runs fast enough: tried on the first
 * of its instances, and only when that found it tiny, for a moment, on this thread.
 */
export async function openTinySession(
  instances: ReadyInstances,
  layout: SlotLayout | undefined,
  plan: ModelSessionPlan,
): Promise<TinySession | undefined> {
  const { modelFile, ortLibrary, settings } = plan;
  if (layout === undefined || layout.totalBytes > LARGEST_SLOT_BYTES) return undefined;
  if ((settings.providers ?? []).length > 0) return undefined;
  const modelBytes = await folderBytes(dirname(modelFile)).catch(() => Number.POSITIVE_INFINITY);
  if (modelBytes > LARGEST_MODEL_BYTES) return undefined;
  if ((await instances.timeLargestBatch(layout)) === undefined) return undefined;
  let session: OrtSession | undefined;
  try {
    // More threads would not make a tiny model faster, and they would spin beside those of the instances.
    session = new OrtSession(loadOrtLibrary(ortLibrary), modelFile, {
      ...settings,
      intraOpThreads: 1,
      executionMode: 'sequential',
    });
    const runNs = timeLargestBatch(session, layout);
    if (runNs !== undefined) return { session, runNs };
  } catch (thrown) {
    // Its threads have sessions and run it, whatever this one lacked.
    if (!(thrown instanceof OrtError)) throw thrown;
  }
  session?.close();
  return undefined;
}

/** The model file and what may lie beside it: weights in files of their own. Rejects when files change meanwhile. */
async function folderBytes(folder: string): Promise<number> {
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ name }) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
