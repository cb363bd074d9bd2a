/** Writes one model of a Triton model repository (config.pbtxt, 1/model.onnx) so that it is there whole or not at all. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';

export interface ModelFiles {
  readonly configText: string;
  readonly model: Uint8Array;
}

const configFile = (folder: string): string => join(folder, 'config.pbtxt');
const modelFile = (folder: string): string => join(folder, '1', 'model.onnx');

/** True when `folder` holds both files and the model is not empty. */
export async function isModelFolder(folder: string): Promise<boolean> {
  if (!existsSync(configFile(folder))) return false;
  const found = await stat(modelFile(folder)).catch(() => undefined);
  return found !== undefined && found.size > 0;
}

/**
 * Makes `folder`. The files are written beside it and moved in one step, so other processes see all or nothing; when
 * another process is first, its folder stays. A folder that is not a whole model is replaced.
 * @throws PerfTsError OUTPUT_UNWRITABLE with `hint` when the place cannot be written.
 */
export async function writeModelFolder(folder: string, files: ModelFiles, hint: string): Promise<void> {
  const parent = dirname(folder);
  const draft = join(parent, `.making-${randomUUID()}`);
  try {
    await mkdir(join(draft, '1'), { recursive: true });
    await writeFile(modelFile(draft), files.model);
    await writeFile(configFile(draft), files.configText);
    await moveInto(draft, folder);
  } catch (cause) {
    if (systemCodeOf(cause) === undefined) throw cause;
    throw new PerfTsError(
      'OUTPUT_UNWRITABLE',
      { where: folder, what: `the model cannot be written: ${messageOf(cause)}`, hint },
      cause,
    );
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function moveInto(draft: string, folder: string): Promise<void> {
  try {
    await rename(draft, folder);
  } catch (cause) {
    if (await isModelFolder(folder)) return;
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(systemCodeOf(cause) ?? '')) throw cause;
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  }
}
