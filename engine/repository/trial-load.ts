/**
 * The process in which a model is tried: it loads the one that it is sent as the engine would, runs it once on zeros,
 * says what came of it, and ends. It may crash at any point; nothing else lives in it.
 */
import { nowNs } from '../../src/common/clock.js';
import { messageOf, PerfTsError } from '../../src/common/errors.js';
import { type DataType, elementCount, elementSize } from '../../src/kserve/data-types.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { requireTelemetryOff } from '../../src/onnxruntime/telemetry.js';
import { loadModel } from '../model.js';
import type { ServedModel, ServedModelOptions } from '../served-model.js';
import type { TrialReport } from './isolated-load.js';

/** One instance shows what all would do, in a part of the memory; host policies are the engine's, not this process's. */
function withOneInstance(config: ModelConfig): ModelConfig {
  const [first] = config.instance_group ?? [];
  return first === undefined ? config : { ...config, instance_group: [{ ...first, count: 1, host_policy: '' }] };
}

/** Resolves whatever comes of the run: only a crash counts, since zeros need not make sense to a model. */
function runZeros(model: ServedModel): Promise<void> {
  const inputs = model.metadata.inputs.map(({ name, datatype, shape }) => {
    const dims = shape.map((dim) => (dim < 0 ? 1 : dim));
    // The model's metadata holds names of data types that loading has checked; a text of no length is four zero bytes.
    const dataType = datatype as DataType;
    const bytes = new Uint8Array(elementCount(dims) * (elementSize(dataType) ?? 4));
    return { name, dataType, shape: dims, bytes };
  });
  return new Promise((resolve) => {
    const request = {
      id: '',
      inputs,
      requestedOutputs: [],
      batchSize: 1,
      priority: 0,
      timeoutUs: 0,
      receivedAt: nowNs(),
      isCancelled: () => false,
    };
    model.infer(request, () => resolve());
  });
}

async function tryModel(options: ServedModelOptions): Promise<TrialReport> {
  try {
    requireTelemetryOff();
    const model = await loadModel({ ...options, config: withOneInstance(options.config) });
    await runZeros(model);
    await model.close();
    return { kind: 'passed' };
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return { kind: 'refused', code: thrown.code, problems: thrown.problems };
    return { kind: 'fault', message: messageOf(thrown) };
  }
}

// Whoever wanted to know has gone.
process.once('disconnect', () => process.exit(1));
process.once('message', (options: ServedModelOptions) => {
  void tryModel(options).then((report) => {
    process.send?.(report, () => process.exit(0));
  });
});
