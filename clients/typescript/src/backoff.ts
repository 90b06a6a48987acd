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

export class Backoff {
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor({ baseMs = 250, capMs = 5_000, random = Math.random }: BackoffOptions = {}) {
    this.#baseMs = baseMs;
    this.#capMs = capMs;
    this.#random = random;
  }

  nextMs(): number {
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return this.#random() * ceiling;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
