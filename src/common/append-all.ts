/** Appending a list of any length: a spread into a call ends with a stack overflow at about 120,000 elements. */
export function appendAll<Item>(target: Item[], items: Iterable<Item>): void {
  for (const item of items) target.push(item);
}

/** As Math.max over any number of values; `least` where there are none. */
export function largestOf(values: Iterable<number>, least = Number.NEGATIVE_INFINITY): number {
  let largest = least;
  for (const value of values) if (!(value <= largest)) largest = value;
  return largest;
}

/** As Math.min over any number of values; `most` where there are none. */
export function smallestOf(values: Iterable<number>, most = Number.POSITIVE_INFINITY): number {
  let smallest = most;
  for (const value of values) if (!(value >= smallest)) smallest = value;
  return smallest;
}
