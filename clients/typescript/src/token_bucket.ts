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
import { clockMs } from "./environment.ts";

/** A client's frame head (2 bytes, 8 of extended length, 4 of mask), and what TLS 1.2 adds to a record (1.3: 22). */
const frameHeadMax = 14 + 29;
const fullSeconds = 0.5;
const refillShare = 0.9;

export class TokenBucket {
  /** How much of a second is there. What must go out is taken off without asking. */
  seconds = fullSeconds;
  #filledAt = clockMs();

  /** More than the bucket holds counts as there when it is full. */
  has(seconds: number): boolean {
    const now = clockMs();
    this.seconds = Math.min(fullSeconds, this.seconds + ((now - this.#filledAt) / 1_000) * refillShare);
    this.#filledAt = now;
    return this.seconds >= Math.min(seconds, fullSeconds);
  }
}

/** What a message takes up of a second; JSON is a string. */
export function costOf(message: string | Uint8Array, { messages_per_second, bytes_per_second, json_per_second }: Limits): number {
  return Math.max(1 / (typeof message === "string" ? json_per_second : messages_per_second), (message.length + frameHeadMax) / bytes_per_second);
}
