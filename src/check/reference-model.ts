/** The model whose answers are right: a model folder, of which a server answers with one version, or a lone ONNX file. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { parseModelConfig } from '../model-config/parse-config.js';
import { findServedModelFile, modelFileAt } from '../onnx/model-location.js';
import type { ReferenceModel } from './measure-accuracy.js';

/** Throws PerfTsError BAD_FILE where there is no such model. */
export async function readReferenceModel(path: string): Promise<ReferenceModel> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const hint = 'give a model folder, an ONNX file or the name of a demo model';
    throw new PerfTsError('BAD_FILE', { where: path, what: 'does not exist', hint });
  }
  const name = basename(resolve(path));
  const isModelFolder = found.isDirectory() && !name.endsWith('.onnx');
  if (!isModelFolder) return { name, modelFile: await modelFileAt(path), config: undefined };
  const configFile = join(path, 'config.pbtxt');
  const config = existsSync(configFile) ? parseModelConfig(await readFile(configFile, 'utf8'), configFile) : undefined;
  return { name, modelFile: await findServedModelFile(path, config), config };
}
