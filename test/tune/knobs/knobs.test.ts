import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../../src/common/errors.js';
import { packageRoot } from '../../../src/common/package-root.js';
import { formatModelConfig } from '../../../src/model-config/format-config.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { parseModelConfig } from '../../../src/model-config/parse-config.js';
import { validateModelConfig } from '../../../src/model-config/validate-config.js';
import { type Knob, knobs } from '../../../src/tune/knobs/knobs.js';
import {
  buildSearchSpace,
  changedKnobs,
  defaultParameters,
  enumerateVariants,
  variantKey,
} from '../../../src/tune/variants/search-space.js';
import { createVariant } from '../../../src/tune/variants/variants.js';
import { completedPlainConfig, plainConfig, plainContext, plainModel } from '../support/study-bench.js';

const knob = (name: string): Knob => knobs.find((row) => row.name === name)!;
const write = (name: string, value: string | number | boolean, config: ModelConfig = plainConfig): ModelConfig =>
  knob(name).write(config, value, plainContext);
const space = buildSearchSpace(plainContext);

describe('the knob table', () => {
  it('writes what it reads back, for every knob and value', () => {
    const batching = write('dynamic_batching', true);
    for (const row of knobs.filter(({ place = 'config' }) => place === 'config')) {
      for (const value of row.values(plainContext)) {
        expect(row.refuse(value, plainContext), `${row.name} ${String(value)}`).toBeUndefined();
        const base = row.name === 'dynamic_batching' ? plainConfig : batching;
        expect(row.read(row.write(base, value, plainContext)), `${row.name} ${String(value)}`).toBe(value);
      }
    }
  });

  it('writes the graph levels by the numbers that the ONNX Runtime backend reads', () => {
    expect(write('graph_level', 'basic').optimization).toEqual({ graph: { level: -1 } });
    expect(write('graph_level', 'extended').optimization).toEqual({ graph: { level: 1 } });
    expect(write('graph_level', 'disabled').optimization).toEqual({ graph: { level: 2 } });
    expect(write('graph_level', 'all', write('graph_level', 'basic'))).toEqual(plainConfig);
  });

  it('reads the defaults from the completed config', () => {
    expect(defaultParameters(space)).toEqual({
      instance_count: 2,
      intra_op_threads: 'default',
      dynamic_batching: false,
      max_batch_size: 32,
      max_queue_delay_us: 0,
      graph_level: 'all',
    });
  });

  it('keeps other fields of what it changes', () => {
    const config: ModelConfig = {
      ...plainConfig,
      instance_group: [{ kind: 'KIND_CPU', count: 1, host_policy: 'cpu' }, { count: 3 }],
      dynamic_batching: { preserve_ordering: true, preferred_batch_size: [4, 16] },
      parameters: { execution_mode: { string_value: '1' } },
      optimization: { priority: 'PRIORITY_MAX' },
    };
    expect(write('instance_count', 4, config).instance_group).toEqual([
      { kind: 'KIND_CPU', count: 4, host_policy: 'cpu' },
      { count: 3 },
    ]);
    expect(write('max_queue_delay_us', 100, config).dynamic_batching).toMatchObject({ preserve_ordering: true });
    expect(write('intra_op_threads', 1, config).parameters).toHaveProperty('execution_mode');
    expect(write('graph_level', 'basic', config).optimization).toMatchObject({ priority: 'PRIORITY_MAX' });
    expect(write('dynamic_batching', true, config).dynamic_batching).toEqual(config.dynamic_batching);
  });

  it('drops preferred batch sizes that a smaller limit forbids', () => {
    const config = { ...plainConfig, dynamic_batching: { preferred_batch_size: [4, 16] } };
    expect(write('max_batch_size', 8, config).dynamic_batching).toEqual({ preferred_batch_size: [4] });
    expect(write('max_batch_size', 2, config).dynamic_batching).toEqual({});
  });

  it('stays small on large hosts', () => {
    const counts = knob('instance_count').values({ ...plainContext, cpuCount: 64 });
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128]);
    expect(knob('intra_op_threads').values({ ...plainContext, cpuCount: 12 })).toEqual([1, 2, 4, 8, 12, 'default']);
  });
});

describe('the search space', () => {
  it('gives every variant a config that the server accepts, and the same one after a round trip through text', () => {
    for (const parameters of enumerateVariants(space)) {
      const { config } = createVariant(plainModel, space, parameters, plainContext);
      expect(validateModelConfig(config, 'config.pbtxt', { modelName: 'm' })).toEqual([]);
    }
    const all = [...enumerateVariants(space)];
    fc.assert(
      fc.property(fc.nat(all.length - 1), (index) => {
        const { config } = createVariant(plainModel, space, all[index]!, plainContext);
        expect(parseModelConfig(formatModelConfig(config), 'config.pbtxt')).toEqual(config);
      }),
      { numRuns: 50 },
    );
  });

  it('tells equal servers apart by nothing: settings of the batcher do not count while it is off', () => {
    const off = { ...defaultParameters(space), max_batch_size: 8, max_queue_delay_us: 1000 };
    expect(variantKey(space, space.canonicalize(off))).toBe(variantKey(space, defaultParameters(space)));
    const ids = [...enumerateVariants(space)].map(
      (parameters) => createVariant(plainModel, space, parameters, plainContext).id,
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no batches of one', () => {
    const listed = buildSearchSpace(plainContext, { dynamic_batching: [true], max_batch_size: [1, 2] });
    expect([...enumerateVariants(listed)].map(({ max_batch_size: size }) => size)).toEqual([2]);
  });

  it('leaves batching alone on a model without a batch dimension', () => {
    const config = { ...completedPlainConfig, max_batch_size: 0 };
    const names = buildSearchSpace({ config, cpuCount: 2 }).dimensions.map(({ name }) => name);
    expect(names).toEqual(['instance_count', 'intra_op_threads', 'graph_level']);
  });

  it('is canonical and legal at every preset, and counts changes from the default', () => {
    expect(space.presets!.length).toBe(4);
    for (const preset of space.presets!) {
      expect(space.isLegal(preset)).toBe(true);
      expect(space.canonicalize(preset)).toEqual(preset);
      expect(changedKnobs(space, preset).length).toBeGreaterThan(0);
    }
  });

  it('reports every unknown knob and impossible value at once', () => {
    const selection = { instances: [1], instance_count: [0, 2], graph_level: ['most'], intra_op_threads: [] };
    try {
      buildSearchSpace(plainContext, selection);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(PerfTsError);
      expect((thrown as PerfTsError).problems.map(({ where, what }) => `${where}: ${what}`)).toEqual([
        'knobs.instances: is not a knob',
        'knobs.instance_count: 0 must be a whole number from 1 to 1024',
        'knobs.graph_level: "most" must be one of all, extended, basic, disabled',
        'knobs.intra_op_threads: lists no value',
      ]);
    }
  });
});

describe('the reference of sweep files', () => {
  it('has a row for every knob, with what it writes', () => {
    const text = readFileSync(join(packageRoot, 'docs', 'sweep-files.md'), 'utf8');
    const rows = knobs.map(
      ({ name, writes, place = 'config', scope, isMinor = false }) =>
        `| \`${name}\` | \`${writes}\` | ${place} | ${scope} | ${isMinor ? '' : 'yes'} |`,
    );
    for (const row of rows) expect(text).toContain(row);
  });
});
