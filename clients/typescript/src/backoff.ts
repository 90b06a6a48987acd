/**
 * Exponential backoff with full jitter: the n-th wait is uniform in [0, min(cap, base · 2^n)).
 *
 * Full jitter, because a relay that restarts has all its clients back at once, and anything less
 * random keeps them together.
 */

export interface BackoffOptions {
  baseMs?: number;
  capMs?: number;
  random?: () => number;
}

/** How long to wait after `waits` others. */
export function backoffMs(waits: number, { baseMs = 250, capMs = 5_000, random = Math.random }: BackoffOptions = {}): number {
  return random() * Math.min(capMs, baseMs * 2 ** waits);
}
