import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../../src/common/errors.js';
import { parseSweepFile } from '../../../src/tune/sweep-files/sweep-file.js';

const read = (...lines: readonly string[]) => parseSweepFile(lines.join('\n'), 'ma.yaml');
const complaints = (...lines: readonly string[]): string[] => {
  try {
    read(...lines);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PerfTsError);
    return (thrown as PerfTsError).problems.map(({ where, what, hint }) => `${where} ${what} | ${hint ?? ''}`);
  }
  return [];
};

describe('a file of Model Analyzer', () => {
  it('that searches by itself becomes the knobs that it would search', () => {
    const sweep = read(
      'model_repository: /models',
      'profile_models: [resnet]',
      'run_config_search_max_instance_count: 3',
      'run_config_search_min_model_batch_size: 2',
      'run_config_search_max_model_batch_size: 16',
      'run_config_search_mode: quick',
      'triton_launch_mode: docker',
    );
    expect(sweep).toMatchObject({
      strategy: 'quick',
      models: [{ name: 'resnet', weight: 1 }],
      tunesTogether: false,
      knobs: { instance_count: [1, 2, 3], dynamic_batching: [true], max_batch_size: [2, 4, 8, 16] },
    });
    expect(sweep.notes).toEqual([
      'ma.yaml:1: model_repository: models are found with -m and --model-repository on the command line',
      'ma.yaml:7: triton_launch_mode: the server is chosen on the command line',
    ]);
  });

  it('with parameters by hand becomes lists of values', () => {
    const sweep = read(
      'profile_models:',
      '  resnet:',
      '    parameters: { batch_sizes: "1,4", concurrency: { start: 2, stop: 8, step: 2 } }',
      '    objectives: { perf_throughput: 10, gpu_used_memory: 5 }',
      '    constraints:',
      '      perf_latency_p99: { max: 100 }',
      '      perf_throughput: { min: 50 }',
      '      gpu_used_memory: { max: 2000 }',
      '    model_config_parameters:',
      '      max_batch_size: [4, 8]',
      '      instance_group:',
      '        - kind: KIND_CPU',
      '          count: [1, 2]',
      '      dynamic_batching:',
      '        max_queue_delay_microseconds: [100, 500]',
      '        preferred_batch_size: [[4], [4, 8]]',
      '      optimization: { graph: { level: [-1, 1] } }',
      '      parameters:',
      '        intra_op_thread_count: { string_value: [1, 2, "0"] }',
      '        execution_mode: { string_value: ["0", "1"] }',
      '        enable_mem_arena: { string_value: "0" }',
      'run_config_search_mode: brute',
    );
    expect(sweep.strategy).toBe('exhaustive');
    expect(sweep.objective?.metric).toBe('throughput and gpu_memory');
    expect(sweep.constraints.map(({ text }) => text)).toEqual([
      'latency_p99 <= 100ms',
      'throughput >= 50',
      'gpu_memory <= 2000MB',
    ]);
    expect(sweep.knobs).toEqual({
      max_batch_size: [4, 8],
      instance_count: [1, 2],
      dynamic_batching: [true],
      max_queue_delay_us: [100, 500],
      preferred_batch_sizes: ['4', '4,8'],
      graph_level: ['basic', 'extended'],
      intra_op_threads: [1, 2, 'default'],
      execution_mode: ['sequential', 'parallel'],
      memory_arena: [false],
      client_batch_size: [1, 4],
      client_concurrency: [2, 4, 6, 8],
    });
  });

  it('takes accelerators with their parameters', () => {
    const sweep = read(
      'profile_models:',
      '  - resnet:',
      '      model_config_parameters:',
      '        optimization:',
      '          execution_accelerators:',
      '            gpu_execution_accelerator:',
      '              - name: tensorrt',
      '                parameters: { precision_mode: [FP32, FP16], max_workspace_size_bytes: ["1073741824"] }',
      '        instance_group: [{ kind: KIND_GPU, count: [1, 2] }]',
    );
    expect(sweep.knobs).toEqual({
      execution_provider: ['tensorrt'],
      tensorrt_precision_mode: ['FP32', 'FP16'],
      tensorrt_max_workspace_size_bytes: [1073741824],
      instance_count: [1, 2],
    });
    expect(sweep.notes[0]).toContain('the kind follows the execution provider');
  });

  it.each([
    ['one name', 'profile_models: a', ['a']],
    ['names with commas', 'profile_models: a, b', ['a', 'b']],
    ['a list', 'profile_models: [a, { b: { weighting: 3 } }]', ['a', 'b']],
    ['a map', 'profile_models: { a: { cpu_only: true }, b: {} }', ['a', 'b']],
  ])('may name its models by %s', (_, line, names) => {
    expect(read(line, 'run_config_search_disable: true').models.map(({ name }) => name)).toEqual(names);
  });

  it('has models tuned together only where it says so, with their weights', () => {
    const lines = ['profile_models: { a: { weighting: 2 }, b: {} }'];
    expect(read(...lines).tunesTogether).toBe(false);
    const together = read(...lines, 'run_config_profile_models_concurrently_enable: true');
    expect(together).toMatchObject({ tunesTogether: true, models: [{ weight: 2 }, { weight: 1 }] });
  });

  it('with models tuned together takes the limits and knobs of each, and says what means something else', () => {
    const sweep = read(
      'run_config_profile_models_concurrently_enable: true',
      'run_config_search_mode: quick',
      'profile_models:',
      '  a:',
      '    weighting: 2',
      '    objectives: [perf_throughput]',
      '    constraints: { perf_latency_p99: { max: 50 } }',
      '    parameters: { concurrency: 4 }',
      '    model_config_parameters: { instance_group: [{ count: [1, 2] }] }',
      '    triton_server_flags: { pinned-memory-pool-byte-size: 67108864 }',
      '  b:',
      '    objectives: [perf_latency_p99]',
      '    constraints: { perf_latency_p99: { max: 20 }, perf_latency_avg: { max: 10 } }',
      '    parameters: { concurrency: 8 }',
      '    model_config_parameters: {}',
    );
    expect(sweep.tunesTogether).toBe(true);
    expect(sweep.constraints.map(({ text }) => text)).toEqual([
      'latency_p99 <= 50ms',
      'latency_p99 <= 20ms',
      'latency_mean <= 10ms',
    ]);
    expect(sweep.concurrency).toBe(12);
    expect(sweep.objective?.metric).toBe('throughput');
    expect(sweep.models).toMatchObject([
      { name: 'a', weight: 2, knobs: { instance_count: [1, 2], pinned_memory_pool_bytes: [67108864] } },
      { name: 'b', weight: 1, knobs: {} },
    ]);
    expect(sweep.knobs).toBeUndefined();
    expect(sweep.notes).toEqual([
      'ma.yaml:12: profile_models.b.objectives: is not used: models that are tuned together have one list of objectives, here that of a or of the whole file',
      'ma.yaml:7: profile_models.a.constraints: hold for every model here: limits on latency and errors for each, all others for what they share',
      'ma.yaml:13: profile_models.b.constraints: hold for every model here: limits on latency and errors for each, all others for what they share',
      'ma.yaml:3: profile_models: the models share the requests in flight here, by their weights',
    ]);
  });

  it('with models that are studies of their own keeps the objectives and limits of each', () => {
    const { constraints, models, notes } = read(
      'objectives: [perf_throughput]',
      'latency_budget: 100',
      'profile_models:',
      '  a: { constraints: { perf_latency_p99: { max: 50 } } }',
      '  b: { constraints: { perf_latency_p99: { max: 20 } }, objectives: [perf_latency_avg] }',
    );
    expect(constraints.map(({ text }) => text)).toEqual(['latency_p99 <= 100ms']);
    expect(models.map((model) => model.constraints?.map(({ text }) => text))).toEqual([
      ['latency_p99 <= 50ms'],
      ['latency_p99 <= 20ms'],
    ]);
    expect(models.map(({ objective }) => objective?.metric)).toEqual(['throughput', 'latency_mean']);
    expect(notes).toEqual([]);
  });

  it('has its short limits, one concurrency and pools of the server', () => {
    const sweep = read(
      'profile_models: a',
      'latency_budget: 20',
      'min_throughput: 100',
      'concurrency: 16',
      'triton_server_flags: { pinned-memory-pool-byte-size: 67108864, log-verbose: 1 }',
      'perf_analyzer_flags: { shape: "x:3", percentile: 95 }',
    );
    expect(sweep.constraints.map(({ text }) => text)).toEqual(['latency_p99 <= 20ms', 'throughput >= 100']);
    expect(sweep.concurrency).toBe(16);
    expect(sweep.knobs?.pinned_memory_pool_bytes).toEqual([67108864]);
    const notes = sweep.notes.join('\n');
    expect(notes).toMatch(/triton_server_flags\.log-verbose: this server flag is no knob here/);
    expect(sweep.models[0]?.requests?.shapes).toEqual([{ input: 'x', dims: [3] }]);
    expect(notes).toMatch(/percentile: has no meaning here/);
  });

  it('with faults is refused with all of them, each with its line', () => {
    expect(
      complaints(
        'profile_models:',
        '  a: { objectivs: [perf_throughput] }',
        'run_config_search_mode: clever',
        'objectives: [perf_thruput, nothing_at_all_like_it]',
        'constraints: { perf_latency_p99: { most: 3 }, perf_latency_p95: 4 }',
        'exprt_path: x',
      ),
    ).toEqual([
      "ma.yaml:2 profile_models.a.objectivs: is not something a model has in Model Analyzer | did you mean 'objectives'?",
      "ma.yaml:3 run_config_search_mode: must be brute, quick, optuna, not 'clever' | ",
      "ma.yaml:4 objectives.0: 'perf_thruput' is not a metric | did you mean 'perf_throughput'?",
      expect.stringMatching(
        /^ma\.yaml:4 objectives\.1: 'nothing_at_all_like_it' is not a metric \| metrics are perf_thr/,
      ),
      'ma.yaml:5 constraints.perf_latency_p99.most: must be min or max | ',
      'ma.yaml:5 constraints.perf_latency_p95: must have a max | ',
      "ma.yaml:6 exprt_path: is not a key of Model Analyzer | did you mean 'export_path'?",
    ]);
  });

  it('with limits that exclude each other is refused, also of one model among several', () => {
    expect(complaints('profile_models: a', 'constraints: { gpu_utilization: { min: 50, max: 30 } }')[0]).toMatch(
      /cannot both hold/,
    );
    const lines = ['min_throughput: 5', 'profile_models:', '  a: {}', '  b:', '    perf_analyzer_flags: { shape: 7 }'];
    expect(complaints(...lines)).toEqual([expect.stringMatching(/^ma\.yaml:5 .*is not an input's shape/)]);
  });

  describe('keeps a limit with its unit, or refuses it', () => {
    it.each([
      ['perf_throughput: { min: 50 }', 'throughput >= 50'],
      ['perf_latency: { max: 50 }', 'latency_p99 <= 50ms'],
      ['perf_latency_avg: { max: 2.5 }', 'latency_mean <= 2.5ms'],
      ['perf_latency_p90: { max: "7" }', 'latency_p90 <= 7ms'],
      ['perf_latency_p95: { max: 7 }', 'latency_p95 <= 7ms'],
      ['perf_client_response_wait: { max: 7 }', 'response_wait_time <= 7ms'],
      ['perf_client_send_recv: { max: 7 }', 'send_receive_time <= 7ms'],
      ['perf_server_queue: { max: 7 }', 'queue_time <= 7ms'],
      ['perf_server_compute_input: { max: 7 }', 'compute_input_time <= 7ms'],
      ['perf_server_compute_infer: { max: 7 }', 'compute_time <= 7ms'],
      ['perf_server_compute_output: { max: 7 }', 'compute_output_time <= 7ms'],
      ['gpu_used_memory: { max: 700 }', 'gpu_memory <= 700MB'],
      ['gpu_free_memory: { min: 700 }', 'gpu_free_memory >= 700MB'],
      ['gpu_utilization: { max: 90 }', 'gpu_utilization <= 90%'],
      ['gpu_power_usage: { max: 250 }', 'gpu_power <= 250'],
      ['cpu_used_ram: { max: 900 }', 'memory_rss <= 900MB'],
    ])('%s', (line, text) => {
      const { constraints, notes } = read('profile_models: a', `constraints: { ${line} }`);
      expect(constraints.map((constraint) => constraint.text)).toEqual([text]);
      expect(notes).toEqual([]);
    });

    it.each([
      ['perf_latency_p99: { min: 50 }', 'ma.yaml:2 constraints.perf_latency_p99.min: would keep what is good'],
      ['perf_throughput: { max: 50 }', 'ma.yaml:2 constraints.perf_throughput.max: would keep what is good'],
      [
        'perf_latncy_p99: { max: 50 }',
        "ma.yaml:2 constraints.perf_latncy_p99: 'perf_latncy_p99' is not a metric | did",
      ],
      ['perf_latency_p42: { max: 50 }', "ma.yaml:2 constraints.perf_latency_p42: 'perf_latency_p42' is not a metric"],
      ['error_rate: { max: 1 }', "ma.yaml:2 constraints.error_rate: 'error_rate' is not a metric | metrics are"],
      ['time_to_first_token_p99: { max: 5 }', 'ma.yaml:2 constraints.time_to_first_token_p99: is not measured here'],
      ['perf_latency_p99: {}', 'ma.yaml:2 constraints.perf_latency_p99: must have a max'],
      ['perf_latency_p99: { max: -3 }', 'ma.yaml:2 constraints.perf_latency_p99.max: must be a number of at least 0'],
      ['perf_latency_p99: { max: 20ms }', 'ma.yaml:2 constraints.perf_latency_p99.max: must be a number'],
      ['perf_latency_p99: { max: [1, 2] }', 'ma.yaml:2 constraints.perf_latency_p99.max: must be a number'],
      ['perf_latency_p99: { max: null }', 'ma.yaml:2 constraints.perf_latency_p99.max: must be a number'],
      ['perf_latency_p99: { max: .inf }', 'ma.yaml:2 constraints.perf_latency_p99.max: must be a number'],
    ])('%s', (line, complaint) => {
      const found = complaints('profile_models: a', `constraints: { ${line} }`);
      expect(found).toHaveLength(1);
      expect(found[0]).toContain(complaint);
    });

    it.each([
      ['constraints: 5', 'ma.yaml:2 constraints: must be metrics with a min or a max'],
      ['constraints: [perf_latency_p99]', 'ma.yaml:2 constraints.0: must be metrics with a min or a max'],
      ['latency_budget: 10ms', 'ma.yaml:2 latency_budget: must be a number of milliseconds, not "10ms"'],
      ['latency_budget: [10]', 'ma.yaml:2 latency_budget: must be a number of milliseconds'],
      ['min_throughput: many', 'ma.yaml:2 min_throughput: must be a number of inferences a second'],
      ['perf_analyzer_flags: 5', 'ma.yaml:2 perf_analyzer_flags: must be flags with their values'],
      ['perf_analyzer_flags: { input-data: { a: b } }', 'perf_analyzer_flags.input-data: must be written as on'],
      ['perf_analyzer_flags: { latency-threshold: 9, percentile: 42 }', 'latency-threshold: cannot be held at the'],
    ])('%s', (line, complaint) => {
      expect(complaints('profile_models: a', line)).toEqual([expect.stringContaining(complaint)]);
    });
  });

  it('says what requests hold and which latency perf_analyzer is held to', () => {
    const { models } = read(
      'profile_models: [a]',
      'perf_analyzer_flags:',
      '  shape: ["ids:16", "x:0:3,4"]',
      '  input-data: [f.json, "ids:0..49"]',
      '  string-length: 7',
      '  latency-threshold: 30',
      '  percentile: 95',
    );
    expect(models[0]).toMatchObject({
      constraints: [{ text: 'latency_p95 <= 30ms' }],
      requests: {
        shapes: [
          { input: 'ids', dims: [16] },
          { input: 'x:0', dims: [3, 4] },
        ],
        inputChoices: [
          { kind: 'path', path: 'f.json' },
          { kind: 'generated', input: 'ids' },
        ],
        stringLengthBytes: 7,
      },
    });
  });
});
