/**
 * Keeps the client inside the relay's rate limits, over which it would be closed with 4100.
 *
 * The relay's buckets hold one second's worth. This one holds half of that and refills at nine
 * tenths of the rate, so that what a stalled network delivers in one burst still passes. What must
 * go out (states, PINGs) is spent without asking and may leave a debt; what can wait asks first.
 */

import type { Limits } from "./control.ts";

/** A client's frame head: 2 bytes, 8 of extended length, 4 of mask. */
const frameHeadMax = 14;

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

/** What a connection may send: messages and bytes. */
export class Budget {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;

  constructor({ messages_per_second, bytes_per_second }: Limits, now: number) {
    this.#messages = new TokenBucket(messages_per_second, now);
    this.#bytes = new TokenBucket(bytes_per_second, now);
  }

  allows(size: number, now: number): boolean {
    return this.#messages.has(1, now) && this.#bytes.has(size, now);
  }

  spend(size: number): void {
    this.#messages.spend(1);
    this.#bytes.spend(size + frameHeadMax);
  }
}
