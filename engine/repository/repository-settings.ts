/** The repository's own options: how their texts are read, and what they come to for the loading of models. */
import { closestWord } from '../../src/common/closest-word.js';
import { parseInteger } from '../../src/common/value-parsers.js';

/** How a model's folder is read. */
export interface PrepareRules {
  readonly ortLibrary?: string;
  /** Reads `configs/NAME.pbtxt` where a model has it. */
  readonly configName?: string;
  /** Nothing is taken from the ONNX file; the config must be complete. */
  readonly isStrict?: boolean;
  /** Sessions are made of models that were optimised before. */
  readonly keepsOptimized?: boolean;
  /** Batch size for models that can batch and whose config leaves it open. */
  readonly defaultMaxBatchSize?: number;
}

export interface BackendSetting {
  readonly key: string;
  readonly value: number;
}

const BACKEND = 'onnxruntime';
const MAX_BATCH_SIZE = 'default-max-batch-size';

/** Reads `onnxruntime,default-max-batch-size=N`; without a backend's name it is meant for all. */
export function parseBackendSetting(text: string): BackendSetting {
  const match = /^(?:([^,=]+),)?([^,=]+)=(.*)$/.exec(text);
  if (match === null) throw new Error(`must be ${BACKEND},KEY=VALUE, not '${text}'`);
  const [, backend = BACKEND, key = '', value = ''] = match;
  if (backend !== BACKEND) throw new Error(`'${backend}' is no backend of this engine, only '${BACKEND}' is`);
  if (key !== MAX_BATCH_SIZE) {
    const near = closestWord(key, [MAX_BATCH_SIZE]);
    const hint = near === undefined ? `there is only ${MAX_BATCH_SIZE}` : `did you mean ${near}?`;
    throw new Error(`has no setting '${key}'; ${hint}`);
  }
  return { key, value: parseInteger(0, 2 ** 31 - 1)(value) };
}

/** The last one given counts. */
export const defaultMaxBatchSizeOf = (settings: readonly BackendSetting[]): number | undefined =>
  settings.findLast(({ key }) => key === MAX_BATCH_SIZE)?.value;

/** A configuration's name is part of a path, so it must be a plain one. */
export function parseConfigName(text: string): string {
  if (!/^[A-Za-z0-9_][\w.-]{0,120}$/.test(text)) {
    throw new Error(`must be a plain name such as h100, without folders or spaces, not '${text}'`);
  }
  return text;
}
