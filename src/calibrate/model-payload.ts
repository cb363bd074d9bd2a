/** The sizes of a real model: asks its server what it takes, and one request what comes back. */
import { inferClients } from '../client/create-infer-client.js';
import { toMillis } from '../common/units.js';
import { makeRequest } from '../load/request-set.js';
import type { NullServerConfig } from '../null-server/null-behavior.js';
import { createLoadPlan, type PlanOptions } from '../plan/plan.js';
import type { Target } from '../target/target.js';

/** What a null server needs to pretend to be `model` of `target`. Throws PerfTsError where the model refuses the request. */
export async function modelPayload(
  target: Pick<Target, 'admin' | 'endpoint' | 'protocol'>,
  choice: { readonly model: string; readonly modelVersion: string },
  plan: Pick<PlanOptions, 'batchSizes' | 'shapes' | 'sequence' | 'stopRule'>,
): Promise<Omit<NullServerConfig, 'behavior'>> {
  const { admin, endpoint, protocol } = target;
  const metadata = await admin.modelMetadata(choice.model, choice.modelVersion);
  const config = await admin.modelConfig(choice.model, choice.modelVersion);
  const { models, batchSizes, client, requestTimeout } = createLoadPlan({ ...plan, endpoint, protocol }, [
    { ...choice, metadata, config },
  ]);
  const requestTimeoutMs = toMillis(requestTimeout);
  const sender = await inferClients[client]({ endpoint, requestTimeoutMs, onCompletion: () => undefined });
  try {
    const [model] = models;
    const request = makeRequest({ model: model!, batchSize: batchSizes[0] ?? 1, shapeIndex: 0 }, 0, 0);
    const answers = await sender.inferOnce(request, requestTimeoutMs);
    const inputs = request.inputs.map(({ name, dataType, shape }) => ({
      name,
      datatype: dataType,
      // The batch dimension stays open, as a server that batches tells it.
      shape: model!.hasBatchDimension ? [-1, ...shape.slice(1)] : shape,
    }));
    return {
      metadata: { ...metadata, inputs },
      maxBatchSize: config?.max_batch_size ?? 0,
      outputs: answers.map(({ name, dataType, shape, bytes }) => ({
        name,
        dataType,
        shape,
        byteSize: bytes.byteLength,
      })),
    };
  } finally {
    await sender.close();
  }
}
