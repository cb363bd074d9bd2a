/** How far the answers of a variant are from those of the unchanged model: a sum over answers, without any server. */
import { PerfTsError, type Problem } from '../common/errors.js';
import { elementCount } from '../kserve/data-types.js';
import type { Tensor } from '../kserve/tensor.js';
import { bestClass, decodeCtc, editCount, isInTopFive } from './class-agreement.js';
import { isFloatType, readStrings, readValues } from './tensor-values.js';

/** One output over all samples; null where there is no such number, as for the cosine of strings. */
export interface OutputAccuracy {
  readonly name: string;
  readonly valueCount: number;
  /** Share of the values that are the same number or text. */
  readonly equal: number;
  /** Largest and mean |variant - reference|; infinite when the variant has a NaN or infinity that the reference lacks. */
  readonly maxAbs: number | null;
  readonly meanAbs: number | null;
  /** The same over |reference|, of values whose reference is not 0. */
  readonly maxRel: number | null;
  readonly meanRel: number | null;
  /** Cosine of the angle between both, all values as one vector; 0 when `maxAbs` is infinite. */
  readonly cosine: number | null;
  /** Values that are NaN, or infinite, where the reference is not. */
  readonly nanCount: number;
  readonly infinityCount: number;
  /** Share of rows (along the last axis) with the reference's best class, and with it among the best five. */
  readonly top1: number | null;
  readonly top5: number | null;
  /** Character error rate of the decoded text: edits over the reference's characters. */
  readonly cer: number | null;
}

/** The worst of all outputs, by the names that constraints use. */
export interface AccuracyMetrics {
  readonly accuracy_top1: number | null;
  readonly accuracy_top5: number | null;
  readonly accuracy_cosine: number | null;
  readonly accuracy_max_abs: number | null;
  readonly accuracy_cer: number | null;
}

export interface AccuracyReport {
  readonly sampleCount: number;
  readonly outputs: readonly OutputAccuracy[];
  readonly metrics: AccuracyMetrics;
}

export interface AccuracyOptions {
  /** Outputs of rank 3 (rows x steps x classes) are CTC scores, class 0 being the blank. */
  readonly isCtc?: boolean;
}

/** Adds up one answer after the other. */
export class AccuracyTally {
  readonly #options: AccuracyOptions;
  readonly #outputs = new Map<string, OutputTally>();
  #sampleCount = 0;

  constructor(options: AccuracyOptions = {}) {
    this.#options = options;
  }

  /**
   * Both answers to the same inputs; tensors are matched by name, and the variant's data types may differ.
   * @throws PerfTsError TARGET_REFUSED when the variant lacks an output or has it in another shape.
   */
  add(reference: readonly Tensor[], variant: readonly Tensor[]): void {
    const problems: Problem[] = [];
    for (const expected of reference) {
      const actual = variant.find(({ name }) => name === expected.name);
      const problem = describeMismatch(expected, actual);
      if (problem !== undefined) problems.push(problem);
      else this.#outputOf(expected.name).add(expected, actual!);
    }
    if (problems.length > 0) throw new PerfTsError('TARGET_REFUSED', problems);
    this.#sampleCount++;
  }

  report(): AccuracyReport {
    const outputs = [...this.#outputs.values()].map((output) => output.finish());
    return { sampleCount: this.#sampleCount, outputs, metrics: worstOf(outputs) };
  }

  #outputOf(name: string): OutputTally {
    const known = this.#outputs.get(name) ?? new OutputTally(name, this.#options.isCtc === true);
    this.#outputs.set(name, known);
    return known;
  }
}

function describeMismatch(expected: Tensor, actual: Tensor | undefined): Problem | undefined {
  const where = `output ${expected.name}`;
  const hint = 'compare variants of one model';
  if (actual === undefined) return { where, what: 'the variant does not return it', hint };
  const isText = [expected, actual].filter(({ dataType }) => dataType === 'BYTES').length;
  if (actual.shape.join() === expected.shape.join() && isText !== 1) return undefined;
  const [was, is] = [expected, actual].map(({ dataType, shape }) => `${dataType} [${shape.join(', ')}]`);
  return { where, what: `the variant returns ${is}, the reference ${was}`, hint };
}

function worstOf(outputs: readonly OutputAccuracy[]): AccuracyMetrics {
  const worst = (key: keyof OutputAccuracy, pick: (...values: number[]) => number): number | null => {
    const values = outputs.map((output) => output[key]).filter((value) => typeof value === 'number');
    return values.length === 0 ? null : pick(...values);
  };
  return {
    accuracy_top1: worst('top1', Math.min),
    accuracy_top5: worst('top5', Math.min),
    accuracy_cosine: worst('cosine', Math.min),
    accuracy_max_abs: worst('maxAbs', Math.max),
    accuracy_cer: worst('cer', Math.max),
  };
}

class OutputTally {
  readonly #name: string;
  readonly #isCtc: boolean;
  #valueCount = 0;
  #equalCount = 0;
  #numberCount = 0;
  #maxAbs = 0;
  #sumAbs = 0;
  #relativeCount = 0;
  #maxRel = 0;
  #sumRel = 0;
  #dot = 0;
  #referenceSquares = 0;
  #variantSquares = 0;
  #nanCount = 0;
  #infinityCount = 0;
  #rowCount = 0;
  #top1Count = 0;
  #top5RowCount = 0;
  #top5Count = 0;
  #textCount = 0;
  #characterCount = 0;
  #editCount = 0;

  constructor(name: string, isCtc: boolean) {
    this.#name = name;
    this.#isCtc = isCtc;
  }

  add(expected: Tensor, actual: Tensor): void {
    const [wanted, given] = [readValues(expected), readValues(actual)];
    if (wanted === undefined || given === undefined) {
      this.#addStrings(readStrings(expected), readStrings(actual));
      return;
    }
    this.#valueCount += wanted.length;
    this.#numberCount += wanted.length;
    for (let index = 0; index < wanted.length; index++) this.#addValue(wanted[index]!, given[index]!);
    if (!isFloatType(expected.dataType)) return;
    this.#addRows(wanted, given, expected.shape.at(-1) ?? 0);
    if (this.#isCtc && expected.shape.length === 3) this.#addTexts(wanted, given, expected.shape);
  }

  finish(): OutputAccuracy {
    const isBroken = this.#nanCount + this.#infinityCount > 0;
    const hasNumbers = this.#numberCount > 0;
    const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
    return {
      name: this.#name,
      valueCount: this.#valueCount,
      equal: share(this.#equalCount, this.#valueCount) ?? 1,
      maxAbs: hasNumbers ? (isBroken ? Number.POSITIVE_INFINITY : this.#maxAbs) : null,
      meanAbs: isBroken ? Number.POSITIVE_INFINITY : share(this.#sumAbs, this.#numberCount),
      maxRel: this.#relativeCount === 0 ? null : this.#maxRel,
      meanRel: share(this.#sumRel, this.#relativeCount),
      cosine: hasNumbers ? (isBroken ? 0 : this.#cosine()) : null,
      nanCount: this.#nanCount,
      infinityCount: this.#infinityCount,
      top1: share(this.#top1Count, this.#rowCount),
      top5: share(this.#top5Count, this.#top5RowCount),
      cer: this.#textCount === 0 ? null : this.#editCount / Math.max(1, this.#characterCount),
    };
  }

  #cosine(): number {
    if (this.#referenceSquares === 0 || this.#variantSquares === 0) {
      return this.#referenceSquares === this.#variantSquares ? 1 : 0;
    }
    const cosine = this.#dot / Math.sqrt(this.#referenceSquares) / Math.sqrt(this.#variantSquares);
    return Math.max(-1, Math.min(1, cosine));
  }

  #addValue(wanted: number, given: number): void {
    if (wanted === given || (Number.isNaN(wanted) && Number.isNaN(given))) this.#equalCount++;
    if (!Number.isFinite(given) && !Object.is(wanted, given)) {
      if (Number.isNaN(given)) this.#nanCount++;
      else this.#infinityCount++;
      return;
    }
    // Equal infinities differ by nothing; a finite answer to an infinite reference differs without bound.
    if (!Number.isFinite(wanted)) {
      if (!Object.is(wanted, given)) this.#infinityCount++;
      return;
    }
    const difference = Math.abs(given - wanted);
    this.#maxAbs = Math.max(this.#maxAbs, difference);
    this.#sumAbs += difference;
    if (wanted !== 0) {
      this.#relativeCount++;
      this.#maxRel = Math.max(this.#maxRel, difference / Math.abs(wanted));
      this.#sumRel += difference / Math.abs(wanted);
    }
    this.#dot += wanted * given;
    this.#referenceSquares += wanted * wanted;
    this.#variantSquares += given * given;
  }

  #addRows(wanted: Float64Array, given: Float64Array, classCount: number): void {
    if (classCount < 2) return;
    for (let start = 0; start + classCount <= wanted.length; start += classCount) {
      const best = bestClass(wanted.subarray(start, start + classCount));
      // Without an answer of the reference there is nothing to agree with.
      if (best === -1) continue;
      const scores = given.subarray(start, start + classCount);
      this.#rowCount++;
      if (bestClass(scores) === best) this.#top1Count++;
      if (classCount <= 5) continue;
      this.#top5RowCount++;
      if (isInTopFive(scores, best)) this.#top5Count++;
    }
  }

  #addTexts(wanted: Float64Array, given: Float64Array, shape: readonly number[]): void {
    const [, stepCount = 0, classCount = 0] = shape;
    const size = stepCount * classCount;
    if (size === 0) return;
    for (let start = 0; start < elementCount(shape); start += size) {
      const text = decodeCtc(wanted.subarray(start, start + size), classCount);
      this.#textCount++;
      this.#characterCount += text.length;
      this.#editCount += editCount(text, decodeCtc(given.subarray(start, start + size), classCount));
    }
  }

  #addStrings(wanted: readonly string[], given: readonly string[]): void {
    this.#valueCount += wanted.length;
    this.#equalCount += wanted.filter((text, index) => text === given[index]).length;
  }
}
