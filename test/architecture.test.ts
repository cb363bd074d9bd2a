import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/common/package-root.js';

/** What each room may import besides itself. An arrow missing here is an arrow that goes back. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  common: [],
  kserve: ['common'],
  'model-config': ['kserve', 'common'],
  onnx: ['kserve', 'model-config', 'common'],
  onnxruntime: ['kserve', 'model-config', 'common'],
  http2: ['common'],
  client: ['kserve', 'model-config', 'http2', 'common'],
  plan: ['client', 'kserve', 'model-config', 'common'],
  load: ['client', 'plan', 'kserve', 'common'],
  record: ['common'],
  runtime: ['onnxruntime', 'common'],
  'null-server': ['http2', 'kserve', 'common'],
  calibrate: ['null-server', 'target', 'load', 'measure', 'plan', 'client', 'kserve', 'model-config', 'common'],
  monitor: ['target', 'measure', 'record', 'onnxruntime', 'common'],
  measure: ['load', 'client', 'plan', 'record', 'kserve', 'common'],
  target: ['client', 'onnx', 'kserve', 'model-config', 'common'],
  check: ['client', 'load', 'plan', 'onnxruntime', 'onnx', 'kserve', 'model-config', 'common'],
  report: ['record', 'common'],
  run: ['calibrate', 'monitor', 'target', 'measure', 'load', 'client', 'plan', 'record', 'kserve', 'common'],
  tune: [
    'check',
    'runtime',
    'monitor',
    'target',
    'measure',
    'load',
    'client',
    'plan',
    'record',
    'model-config',
    'onnx',
    'onnxruntime',
    'kserve',
    'common',
  ],
  compare: [
    'tune',
    'check',
    'runtime',
    'target',
    'measure',
    'client',
    'record',
    'model-config',
    'onnx',
    'onnxruntime',
    'common',
  ],
  cli: [
    'calibrate',
    'check',
    'compare',
    'null-server',
    'runtime',
    'run',
    'tune',
    'report',
    'target',
    'measure',
    'load',
    'client',
    'plan',
    'record',
    'model-config',
    'onnx',
    'kserve',
    'common',
  ],
  index: [
    'run',
    'tune',
    'report',
    'target',
    'measure',
    'load',
    'client',
    'plan',
    'record',
    'model-config',
    'onnx',
    'kserve',
    'common',
  ],
  engine: ['kserve', 'model-config', 'onnx', 'onnxruntime', 'http2', 'common'],
};

/** The one place in src that starts the engine. */
const engineLauncher = 'src/cli/commands/serve.ts';

const sourceFiles = ['src', 'engine'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
);

function roomOf(file: string): string {
  if (file.startsWith('engine')) return 'engine';
  const [, room = ''] = file.split('/');
  return room.replace(/\.ts$/, '');
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(packageRoot, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => normalize(join(dirname(file), specifier)));
}

describe('the rooms', () => {
  it('hand data one way: no import goes against the arrows', () => {
    const wrong = sourceFiles.flatMap((file) =>
      importsOf(file)
        .filter((target) => roomOf(target) !== roomOf(file))
        .filter((target) => !(allowed[roomOf(file)] ?? []).includes(roomOf(target)))
        .filter((target) => !(file === engineLauncher && roomOf(target) === 'engine'))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('have no utils, helpers, types or barrel files', () => {
    const bad = sourceFiles.filter(
      (file) => /(^|\/)(utils?|helpers?|types|index)\.ts$/.test(file) && file !== 'src/index.ts',
    );
    expect(bad).toEqual([]);
  });

  it('keep every file under 400 lines', () => {
    const long = sourceFiles.filter((file) => readFileSync(join(packageRoot, file), 'utf8').split('\n').length > 400);
    expect(long).toEqual([]);
  });
});
