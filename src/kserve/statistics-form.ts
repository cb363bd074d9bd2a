/**
 * Statistics as other servers send them, brought into the full form of metadata.ts: a count or duration that was left
 * out is zero in this protocol. Works on decoded gRPC answers and on the JSON of HTTP answers.
 */
import type { InferBatchStatistics, InferStatistics, ModelStatistics, StatisticDuration } from './metadata.js';

type Document = Readonly<Record<string, unknown>>;

const documentOf = (value: unknown): Document =>
  typeof value === 'object' && value !== null ? (value as Document) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Numbers may come as texts, which is how protobuf's JSON form writes 64-bit integers. */
function countOf(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : 0;
}

function durationOf(value: unknown): StatisticDuration {
  const document = documentOf(value);
  return { count: countOf(document.count), ns: countOf(document.ns) };
}

function inferStatisticsOf(value: unknown): InferStatistics {
  const document = documentOf(value);
  return {
    success: durationOf(document.success),
    fail: durationOf(document.fail),
    queue: durationOf(document.queue),
    compute_input: durationOf(document.compute_input),
    compute_infer: durationOf(document.compute_infer),
    compute_output: durationOf(document.compute_output),
    cache_hit: durationOf(document.cache_hit),
    cache_miss: durationOf(document.cache_miss),
  };
}

function batchStatisticsOf(value: unknown): InferBatchStatistics {
  const document = documentOf(value);
  return {
    batch_size: countOf(document.batch_size),
    compute_input: durationOf(document.compute_input),
    compute_infer: durationOf(document.compute_infer),
    compute_output: durationOf(document.compute_output),
  };
}

/** The `model_stats` list of a statistics answer; anything that is not one gives an empty list. */
export function fillStatistics(modelStats: unknown): readonly ModelStatistics[] {
  return listOf(modelStats).map((entry) => {
    const document = documentOf(entry);
    return {
      name: String(document.name ?? ''),
      version: String(document.version ?? ''),
      last_inference: countOf(document.last_inference),
      inference_count: countOf(document.inference_count),
      execution_count: countOf(document.execution_count),
      inference_stats: inferStatisticsOf(document.inference_stats),
      batch_stats: listOf(document.batch_stats).map(batchStatisticsOf),
    };
  });
}
