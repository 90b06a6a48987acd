/**
 * Keeps the client inside the relay's rate limits, over which it would be closed with 4100.
 *
 * The relay's buckets hold one second's worth. This one holds half of that and refills at nine
 * tenths of the rate, so that what a stalled network delivers in one burst still passes. What must
 * go out (states, PINGs) is spent without asking and may leave a debt; what can wait asks first.
 *
 * One bucket for all limits: what is spent is the share of a second that a message takes up of the
 * limit that it takes up most of.
 */

import type { Limits } from "./control.ts";

/** A client's frame head: 2 bytes, 8 of extended length, 4 of mask. */
const frameHeadMax = 14;
const fullSeconds = 0.5;
const refillShare = 0.9;

export class TokenBucket {
  #seconds = fullSeconds;
  #filledAt = performance.now();

  /** More than the bucket holds counts as there when it is full. */
  has(seconds: number): boolean {
    const now = performance.now();
    this.#seconds = Math.min(fullSeconds, this.#seconds + ((now - this.#filledAt) / 1_000) * refillShare);
    this.#filledAt = now;
    return this.#seconds >= Math.min(seconds, fullSeconds);
  }

  spend(seconds: number): void {
    this.#seconds -= seconds;
  }
}

/** What a message takes up of a second. */
export function costOf(size: number, { messages_per_second, bytes_per_second }: Limits): number {
  return Math.max(1 / messages_per_second, (size + frameHeadMax) / bytes_per_second);
}
