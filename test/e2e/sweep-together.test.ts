import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { studyRecordSchema } from '../../src/record/study-record.js';
import { runPerfTs } from '../support/run-perf-ts.js';

const models = ['identity', 'simple_cnn'];
/** A batch that never comes together is waited for a fifth of a second: whatever the host, less waiting is better. */
const waiting = 'dynamic_batching { preferred_batch_size: [ 32 ] max_queue_delay_microseconds: 200000 } # mine\n';

describe('a sweep of several models', { timeout: 180_000 }, () => {
  let repository: string;
  beforeAll(async () => {
    repository = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    await addZooModels(models, repository);
    for (const model of models) {
      const file = join(repository, model, 'config.pbtxt');
      writeFileSync(file, readFileSync(file, 'utf8') + waiting);
    }
    writeFileSync(
      join(repository, 'sweep.yaml'),
      [
        'strategy: exhaustive',
        'concurrency: 4',
        'models: [{ name: identity, weight: 3 }, { name: simple_cnn }]',
        'knobs: { max_queue_delay_us: [0] }',
      ].join('\n'),
    );
  });
  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  const readConfig = (...path: readonly string[]) => {
    const file = join(...path, 'config.pbtxt');
    return parseModelConfig(readFileSync(file, 'utf8'), file);
  };

  // A host whose CPUs are taken away by others proves nothing, however large the gain; once more then.
  it('loads them as weighed, proves one recommendation for all, and applies it to each', { retry: 1 }, async () => {
    const file = join(repository, 'sweep.yaml');
    const place = ['--model-repository', repository];
    const run = await runPerfTs(['sweep', '-f', file, ...place, '--budget', '40s', '--apply', '--json']);
    const study = studyRecordSchema.parse(JSON.parse(run.stdout));
    expect(run.code, run.stderr).toBe(0);
    expect(run.survivors).toEqual([]);
    expect(study).toMatchObject({ model: 'identity+simple_cnn', models: [{ weight: 3 }, { weight: 1 }] });

    const [identity, cnn] = study.trials[0]!.level!.models;
    expect([identity!.model, cnn!.model]).toEqual(models);
    expect(identity!.requestCount / cnn!.requestCount).toBeGreaterThan(2);
    expect(identity!.requestCount / cnn!.requestCount).toBeLessThan(4.5);

    const portable = study.recommended.portable!;
    expect(portable.gain.low).toBeGreaterThan(1.5);
    const recommended = join(run.folder, study.directory, 'recommended', 'portable');
    expect(readdirSync(recommended).toSorted()).toEqual(['config.diff', 'identity', 'repro.sh', 'simple_cnn']);
    for (const { path } of portable.changes) {
      const [model = ''] = path.split('.');
      expect(models).toContain(model);
      expect(readConfig(recommended, model).dynamic_batching?.max_queue_delay_microseconds ?? 0).toBe(0);
      expect(readFileSync(join(recommended, model, 'config.pbtxt'), 'utf8')).toContain('mine');
      expect(readConfig(repository, model)).toEqual(readConfig(recommended, model));
      expect(readdirSync(join(repository, model)).some((name) => name.startsWith('config.pbtxt.before-'))).toBe(true);
    }
    expect(existsSync(join(recommended, 'simple_cnn', '1', 'model.onnx'))).toBe(true);
  });

  it.each([
    ['a running server', ['-u', '127.0.0.1:1'], '-u'],
    ['a tritonserver', ['--server', 'local'], '--server local'],
  ])('on %s is refused before anything starts, with what can be done', async (_, server, where) => {
    const place = server[0] === '-u' ? [] : ['--model-repository', repository];
    const run = await runPerfTs(['sweep', '-m', 'identity', '-m', 'simple_cnn', ...server, ...place]);
    expect(run.code).toBe(3);
    expect(run.stderr).toContain(where);
    expect(run.stderr).toContain('several models are tuned together on the bundled engine only');
    expect(run.survivors).toEqual([]);
    expect(existsSync(join(run.folder, 'results'))).toBe(false);
  });
});
