/**
 * Keeps the client inside the relay's rate limits, over which it would be closed with 4100.
 *
 * The relay's buckets hold one second's worth. This one holds half of that and refills at nine
 * tenths of the rate, so that what a stalled network delivers in one burst still passes. What must
 * go out (states, PINGs) is spent without asking and may leave a debt; what can wait asks first.
 */

export class TokenBucket {
  #tokens: number;
  #filledAt: number;
  readonly #perMs: number;
  readonly #max: number;

  constructor(perSecond: number, now: number) {
    this.#perMs = (perSecond * 0.9) / 1_000;
    this.#max = perSecond / 2;
    this.#tokens = this.#max;
    this.#filledAt = now;
  }

  /** More than the bucket holds counts as there when it is full. */
  has(count: number, now: number): boolean {
    this.#tokens = Math.min(this.#max, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    return this.#tokens >= Math.min(count, this.#max);
  }

  spend(count: number): void {
    this.#tokens -= count;
  }
}
