import { expect, it } from 'vitest';
import {
  defaultMaxBatchSizeOf,
  parseBackendSetting,
  parseConfigName,
} from '../../../engine/repository/repository-settings.js';

it('takes the batch size of completed configs, with and without the backend’s name, the last one given', () => {
  const settings = ['onnxruntime,default-max-batch-size=8', 'default-max-batch-size=16'].map(parseBackendSetting);
  expect(defaultMaxBatchSizeOf(settings)).toBe(16);
  expect(defaultMaxBatchSizeOf([])).toBeUndefined();
});

it.each([
  ['onnxruntime,enable-global-threadpool=1', 'each session has threads of its own'],
  ['default-max-batch-size', 'must be onnxruntime,KEY=VALUE'],
  ['default-max-batch-size=-1', 'must be a whole number'],
])('refuses %s: %s', (text, message) => {
  expect(() => parseBackendSetting(text)).toThrow(message);
});

it.each([
  ['onnxruntime,default-max-batch-sise=8', 'did you mean default-max-batch-size?'],
  ['onnxruntime,colour=8', 'heeds default-max-batch-size alone'],
  ['onnxruntime,enable-global-threadpool=0', 'enable-global-threadpool'],
  ['onnxruntime,intra_op_thread_count=4', 'it belongs to enable-global-threadpool'],
  ['tensorflow,version=2', "there is no backend 'tensorflow'"],
  ['python,shm-default-byte-size=1048576', "there is no backend 'python'"],
])('leaves %s without effect and says why: %s', (text, words) => {
  const setting = parseBackendSetting(text);
  expect(setting.note).toContain('has no effect');
  expect(setting.note).toContain(words);
  expect(defaultMaxBatchSizeOf([setting])).toBeUndefined();
});

it.each(['../x', 'a/b', 'a b', '', '.hidden', 'a\0'])('refuses the config name %j', (name) => {
  expect(() => parseConfigName(name)).toThrow('must be a plain name');
});
