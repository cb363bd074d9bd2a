/** Whether two sets of scores name the same classes: the best one, the best five, and the text that CTC reads from them. */

/** CTC's own class, which stands for nothing. */
const BLANK = 0;
const TOP_COUNT = 5;

/** Index of the largest score, the first of equal ones; -1 when any is NaN, which is no answer. */
export function bestClass(scores: Float64Array): number {
  let best = 0;
  for (let index = 0; index < scores.length; index++) {
    if (Number.isNaN(scores[index])) return -1;
    if (scores[index]! > scores[best]!) best = index;
  }
  return scores.length === 0 ? -1 : best;
}

/** True when at most four classes have a larger score than `wanted`, an earlier one of equal scores counting as larger. */
export function isInTopFive(scores: Float64Array, wanted: number): boolean {
  const score = scores[wanted];
  if (score === undefined || bestClass(scores) === -1) return false;
  let larger = 0;
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! > score || (scores[index] === score && index < wanted)) larger++;
  }
  return larger < TOP_COUNT;
}

/**
 * Greedy CTC decoding (Graves et al. 2006) of `scores`, steps x `classCount`: the best class of each step, repeats
 * taken together, blanks left out. A step without an answer gives -1.
 */
export function decodeCtc(scores: Float64Array, classCount: number): number[] {
  const text: number[] = [];
  let previous = BLANK;
  for (let start = 0; start + classCount <= scores.length; start += classCount) {
    const best = bestClass(scores.subarray(start, start + classCount));
    if (best !== previous && best !== BLANK) text.push(best);
    previous = best;
  }
  return text;
}

/** Insertions, deletions and substitutions that turn one into the other (Levenshtein). */
export function editCount(a: readonly number[], b: readonly number[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [index, sign] of a.entries()) {
    const next = [index + 1];
    for (const [column, other] of b.entries()) {
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, row[column]! + (sign === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
