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
  /** Of the one setting that is heeded. */
  readonly value?: number;
  /** Why it has no effect. */
  readonly note?: string;
}

const BACKEND = 'onnxruntime';
const MAX_BATCH_SIZE = 'default-max-batch-size';
const GLOBAL_POOL = 'enable-global-threadpool';

/** Reads `onnxruntime,default-max-batch-size=N`; without a backend's name it is meant for all. */
export function parseBackendSetting(text: string): BackendSetting {
  const match = /^(?:([^,=]*),)?([^,=]+)=(.*)$/.exec(text);
  if (match === null) throw new Error(`must be ${BACKEND},KEY=VALUE, not '${text}'`);
  const [, named = '', key = '', value = ''] = match;
  const ignore = (why: string): BackendSetting => ({ key, note: `--backend-config=${text} has no effect: ${why}` });
  if (named !== '' && named !== BACKEND) return ignore(`there is no backend '${named}', only '${BACKEND}'`);
  if (key === MAX_BATCH_SIZE) return { key, value: parseInteger(0, 2 ** 31 - 1)(value) };
  if (key === GLOBAL_POOL && !/^(0|false|off)$/i.test(value)) {
    throw new Error(`cannot be '${key}=${value}': each session has threads of its own`);
  }
  if (named === '') return ignore(`'${BACKEND}' has no such setting`);
  if (/^(intra|inter)_op_thread_count$/.test(key))
    return ignore(`it belongs to ${GLOBAL_POOL}; a model has it as a parameter`);
  const near = closestWord(key, [MAX_BATCH_SIZE]);
  return ignore(near === undefined ? `the backend heeds ${MAX_BATCH_SIZE} alone` : `did you mean ${near}?`);
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
