/** Answers of every model that a variant serves, held against the unchanged models'; what is worst of any stands for all. */
import type { TrialAccuracy } from '../../record/study-record.js';
import { type AnswerComparison, type CompareAnswers, createAnswerComparison } from '../trials/trial-accuracy.js';
import type { StudyModel } from '../variants/variants.js';

export function compareAll(models: readonly StudyModel[], options: Omit<AnswerComparison, 'model'>): CompareAnswers {
  const comparisons = models.map((model) => createAnswerComparison({ ...options, model }));
  return async (launched, signal) => {
    const found: TrialAccuracy[] = [];
    for (const compare of comparisons) found.push(await compare(launched, signal));
    return worstOf(found);
  };
}

/** Throws for none at all. A cosine or a largest difference that one model could not tell is not told of all. */
export function worstOf(found: readonly TrialAccuracy[]): TrialAccuracy {
  return found.reduce((a, b) => ({
    sampleCount: a.sampleCount + b.sampleCount,
    cosine: a.cosine === null || b.cosine === null ? null : Math.min(a.cosine, b.cosine),
    maxAbs: a.maxAbs === null || b.maxAbs === null ? null : Math.max(a.maxAbs, b.maxAbs),
    top1: least(a.top1, b.top1),
    top5: least(a.top5, b.top5),
    cer: a.cer === null || b.cer === null ? (a.cer ?? b.cer) : Math.max(a.cer, b.cer),
    nonFiniteCount: a.nonFiniteCount + b.nonFiniteCount,
  }));
}

/** What only some models have, such as labels that agree, is theirs alone. */
const least = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);
