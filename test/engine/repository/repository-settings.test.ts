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
  ['onnxruntime,default-max-batch-sise=8', 'did you mean default-max-batch-size?'],
  ['onnxruntime,colour=8', 'there is only default-max-batch-size'],
  ['tensorflow,version=2', "'tensorflow' is no backend of this engine"],
  ['default-max-batch-size', 'must be onnxruntime,KEY=VALUE'],
  ['default-max-batch-size=-1', 'must be a whole number'],
])('refuses %s: %s', (text, message) => {
  expect(() => parseBackendSetting(text)).toThrow(message);
});

it.each(['../x', 'a/b', 'a b', '', '.hidden', 'a\0'])('refuses the config name %j', (name) => {
  expect(() => parseConfigName(name)).toThrow('must be a plain name');
});
