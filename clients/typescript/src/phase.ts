/**
 * Phase lock: when to send the own state so that it reaches the relay just before the tick.
 *
 * The relay tells of each own state in a tick how long it lay waiting (`wait`, protocol.md, section
 * 4). Sent at s and taken by tick k after a wait of w, a state could have left as late as s + w; less
 * k intervals, these latest moments all fall on one phase, spread by the jitter of the way and by the
 * relay's slots: `wait` counts from the end of the slot, half a slot after the arrival on average.
 * From that phase's middle a margin is taken off: a slot, or the spread that 19 of 20 states stay
 * inside and half a slot where that is more, timers that fire late included. The window of samples
 * slides, so a drift of the clocks and a new route are followed.
 *
 * A `wait` of 255 says only "or longer" and is no sample. Near the tick it flips between 0 and 255,
 * which is why the margin is never less than a slot.
 */

import { quantile, recent } from "./quantile.ts";

/** The longest slot that a relay has by default. */
const slotMs = 2;
const sampleCountMin = 8;
const sampleCountMax = 64;
/** Three of a full window may lie outside, and the same share of a smaller one. */
const lateShare = 0.05;
/** Sent at any time a state waits for half an interval in the middle: a longer margin would be worse than none. */
const marginShareMax = 0.5;
/** No sample for so long: the lock is lost. */
const staleMs = 3_000;
const waitSaturated = 255;

interface Sent {
  at: number;
  /** By how much the timer missed the moment that was wanted. */
  lateMs: number;
}

export class PhaseLock {
  readonly #intervalMs: number;
  readonly #enabled: boolean;
  readonly #sent = new Map<number, Sent>();
  #latest: number[] = [];
  #early: number[] = [];
  #sampledAt = -Infinity;
  #leadMs = 0;
  /** How long before the tick states are to arrive; null while there is no lock. */
  marginMs: number | null = null;
  /** The tick that the last state was meant for. */
  #servedTick = -Infinity;

  /** Without `enabled` it measures, but names no moment. */
  constructor(tickHz: number, enabled = true) {
    this.#intervalMs = 1_000 / tickHz;
    this.#enabled = enabled;
  }

  /** When the next state is to leave, which may be now or past; null while there is no lock. */
  nextAt(now: number): number | null {
    if (this.marginMs !== null && now - this.#sampledAt > staleMs) this.marginMs = null;
    if (this.marginMs === null) return null;
    const tick = Math.max(Math.ceil((now - this.#leadMs) / this.#intervalMs), this.#servedTick + 1);
    return tick * this.#intervalMs + this.#leadMs;
  }

  /** The moment that `nextAt` had said is used up. */
  serve(wantedAt: number): void {
    this.#servedTick = Math.round((wantedAt - this.#leadMs) / this.#intervalMs);
  }

  /** A state left, `lateMs` after the moment that was wanted. */
  sent(seq: number, now: number, lateMs: number): void {
    this.#sent.set(seq, { at: now, lateMs });
    // 16 bits of numbers, of which the newest count.
    this.#sent.delete((seq - sampleCountMax) & 0xffff);
  }

  /** The own state came back in a tick. Returns how long ago it was sent; null where it came before. */
  seen(seq: number, tick: number, wait: number, now: number): number | null {
    const sent = this.#sent.get(seq);
    this.#sent.delete(seq);
    if (sent === undefined) return null;
    if (wait < waitSaturated) this.#sample(sent, tick, wait, now);
    return now - sent.at;
  }

  #sample(sent: Sent, tick: number, wait: number, now: number): void {
    if (now - this.#sampledAt > staleMs) this.#latest = this.#early = [];
    const latest = sent.at + (wait - tick * 256) * (this.#intervalMs / 256);
    this.#latest = recent(this.#latest, latest, sampleCountMax);
    this.#early = recent(this.#early, latest - sent.lateMs, sampleCountMax);
    this.#sampledAt = now;
    if (!this.#enabled || this.#latest.length < sampleCountMin) return;
    const middle = (quantile(this.#latest, 0.5) as number) + slotMs / 2;
    const spread = middle - (quantile(this.#early, lateShare) as number);
    const margin = Math.min(Math.max(slotMs, spread), marginShareMax * this.#intervalMs);
    this.#leadMs = middle - margin;
    this.marginMs = margin;
  }
}
