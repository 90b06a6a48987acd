/** What measurements need: the newest of them, and what most of them stay below. */

/** The last `count` of the values, `value` being the newest. */
export function recent<Value>(values: readonly Value[], value: Value, count: number): Value[] {
  return [...values, value].slice(-count);
}

/** The value below which a share of them lies; null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? null;
}
