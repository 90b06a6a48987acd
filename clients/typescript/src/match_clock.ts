/**
 * The match's time on this machine, from PING and PONG.
 *
 * Each PONG gives a round trip and the match time in its middle, wrong by at most half of the round
 * trip; so the sample with the shortest one of the last `sampleCountMax` is believed. The clock
 * follows a new belief by running up to 5 % faster or slower and never goes back, except that a
 * difference of more than `stepMs` (a machine that slept) is taken over at once when it is forward.
 */

import { recent } from "./quantile.ts";

const sampleCountMax = 12;
const slewMax = 0.05;
const stepMs = 250;

type Sample = [roundTripMs: number, /** Match time minus local time. */ offsetMs: number];

export class MatchClock {
  #samples: Sample[] = [];
  #offsetMs = 0;
  #readAt = 0;

  /** Of the newest PONG; null before the first. */
  get roundTripMs(): number | null {
    return this.#samples.at(-1)?.[0] ?? null;
  }

  sample(sentAt: number, receivedAt: number, matchTimeMs: number): void {
    const isFirst = this.#samples.length === 0;
    this.#samples = recent(this.#samples, [receivedAt - sentAt, matchTimeMs - (sentAt + receivedAt) / 2], sampleCountMax);
    const ahead = this.#target() - this.#offsetMs;
    if (!isFirst && ahead <= stepMs) return;
    this.#offsetMs += ahead;
    this.#readAt = receivedAt;
  }

  /** Match time in milliseconds at local time `now`; null before the first PONG. */
  at(now: number): number | null {
    if (this.#samples.length === 0) return null;
    const room = Math.max(0, now - this.#readAt) * slewMax;
    this.#offsetMs += Math.max(-room, Math.min(room, this.#target() - this.#offsetMs));
    this.#readAt = Math.max(this.#readAt, now);
    return now + this.#offsetMs;
  }

  /** Another match, or the same name opened anew: its time has nothing to do with the old. */
  reset(): void {
    this.#samples = [];
  }

  #target(): number {
    return this.#samples.reduce((best, sample) => (sample[0] < best[0] ? sample : best))[1];
  }
}

/** `client_time` of a PING: 32 bits of microseconds, which wrap after 71 minutes. */
export function microseconds(ms: number): number {
  return (ms * 1_000) >>> 0;
}

export function roundTripMs(clientTime: number, now: number): number {
  return ((microseconds(now) - clientTime) >>> 0) / 1_000;
}
