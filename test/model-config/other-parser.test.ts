import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { formatModelConfig } from '../../src/model-config/format-config.js';
import { modelConfigFromJson } from '../../src/model-config/json-form.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { findPython } from '../support/find-python.js';
import { modelConfigs } from './config-arbitrary.js';

interface Answer {
  readonly config?: unknown;
  readonly text?: string;
  readonly error?: string;
}

const python = findPython(['tritonclient.grpc', 'google.protobuf']);

function ask(texts: readonly string[]): Answer[] {
  const input = texts.map((text) => JSON.stringify(text)).join('\n');
  const script = join(packageRoot, 'test', 'support', 'check_pbtxt.py');
  const { stdout, stderr, status } = spawnSync(python!, [script], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
  expect(answers).toHaveLength(texts.length);
  return answers;
}

/** What protobuf does not tell apart: a plain field that is 0, false, empty or absent; a float and its nearest neighbour. */
function withoutDefaults(value: unknown): unknown {
  if (typeof value === 'number') return Math.fround(value);
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  const isDefault = (inner: unknown): boolean =>
    inner === 0 ||
    inner === false ||
    (typeof inner === 'string' && defaultNames.has(inner)) ||
    (Array.isArray(inner) && inner.length === 0);
  const entries = Object.entries(value).map(([name, inner]) => [name, withoutDefaults(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => !isDefault(inner)));
}

const defaultNames = new Set(['', 'TYPE_INVALID', 'FORMAT_NONE', 'KIND_AUTO', 'REJECT', 'PRIORITY_DEFAULT']);

describe.skipIf(python === undefined)("the text form beside Google's parser and NVIDIA's schema", () => {
  it('is read by it with the same meaning, and we read what it writes', () => {
    const finite = modelConfigs.filter((config) => !JSON.stringify(config).includes('null'));
    const configs = fc.sample(finite, { numRuns: 200, seed: 3 });
    ask(configs.map(formatModelConfig)).forEach(({ config, text, error }, index) => {
      expect(error).toBeUndefined();
      const ours = withoutDefaults(configs[index]);
      expect(withoutDefaults(modelConfigFromJson(config, 'answer'))).toEqual(ours);
      expect(withoutDefaults(parseModelConfig(text!, 'printed'))).toEqual(ours);
    });
  });

  it('refuses what we refuse', () => {
    const texts = [
      'name: "a" // comment',
      'nam: "a"',
      'max_batch_size: 1.5',
      'max_batch_size: 99999999999',
      'name: "a" name: "b"',
      'dynamic_batching {} sequence_batching {}',
      'input { dims: [ 1 }',
      'input [ { name: "a" } { name: "b" } ]',
      'dynamic_batching { preserve_ordering: yes }',
      'input { data_type: FP32 }',
      'name: "a',
    ];
    for (const text of texts) expect(() => parseModelConfig(text, 'config.pbtxt')).toThrow('config.pbtxt:1');
    const accepted = ask(texts).flatMap(({ error }, index) => (error === undefined ? [texts[index]] : []));
    expect(accepted).toEqual([]);
  });

  it('accepts what we accept, with the same meaning', () => {
    const texts = [
      'max_batch_size: 0x10',
      'input: { name: "a", dims: [1, 2,3] }, input < dims: 4 > ;',
      "name: 'it\\'s' backend: \"a\" 'b'",
      'dynamic_batching { preserve_ordering: True }',
      'dynamic_batching: {}',
      'parameters: { key: "a" value: { string_value: "\\303\\251\\n" } }',
      '# only a comment',
      'instance_group [ ]',
      'input { data_type: 11 }',
    ];
    const theirs = ask(texts).map(({ config }) => withoutDefaults(modelConfigFromJson(config, 'answer')));
    expect(theirs).toEqual(texts.map((text) => withoutDefaults(parseModelConfig(text, 'config.pbtxt'))));
  });
});
