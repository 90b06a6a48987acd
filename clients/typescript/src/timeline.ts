/**
 * Where on the axis of ticks "now" is, for drawing: a little in the past, so that there is nearly
 * always a newer state to move towards.
 *
 * Each tick gives its lateness, arrival minus the time it was due on a steady grid. The least
 * lateness of the window is the grid; what the others have more is jitter. Drawing lags behind the
 * grid by one interval (times the divisor) and by most of the jitter, or by less of it where the game
 * would rather extrapolate over a late tick than show everything later (`jitterShare`). The position
 * moves smoothly: it follows a new estimate by at most a tenth faster or slower, and jumps only when
 * it is hopelessly off.
 *
 * A match has one where somebody asks for it (`Motion` does, the net graph does), and costs nothing for it
 * where nobody does.
 */

import type { Match } from "./match.ts";
import { quantile, recent } from "./quantile.ts";

const windowSize = 64;
const slewMax = 0.1;
const jumpTicks = 8;
const lateShare = 0.95;
/** A link that is later than this is not worth waiting for. */
const jitterTicksMax = 6;

/** The match's timeline, which follows its ticks from the first call on. */
export function timelineOf<State>(match: Pick<Match<State>, "timeline" | "tickHz" | "stats" | "on">): TickTimeline {
  if (match.timeline !== null) return match.timeline;
  const timeline = new TickTimeline(match.tickHz);
  timeline.setDivisor(match.stats.divisor);
  match.on("tick", ({ tick }) => timeline.tick(tick, performance.now()));
  match.on("rate", ({ divisor }) => timeline.setDivisor(divisor));
  match.on("status", ({ status }) => status === "connected" && timeline.reset(match.tickHz));
  return (match.timeline = timeline);
}

export class TickTimeline {
  /** How much of the jitter drawing waits for: 1 for nearly every tick, 0 for none that is late. */
  jitterShare: number;
  #intervalMs: number;
  #lateness: number[] = [];
  #position: number | null = null;
  #readAt = 0;
  #divisor = 1;
  /** What to subtract from the time to be on the grid. */
  #gridMs = 0;
  #jitterMs: number | null = null;

  constructor(tickHz: number, { jitterShare = 1 }: { jitterShare?: number } = {}) {
    this.jitterShare = jitterShare;
    this.#intervalMs = 1_000 / tickHz;
  }

  /** How far drawing lags behind the newest tick that could have arrived. */
  get delayMs(): number {
    const jitterMs = Math.min(this.#jitterMs ?? 0, jitterTicksMax * this.#intervalMs);
    return this.#divisor * this.#intervalMs + jitterMs * this.jitterShare;
  }

  /** How much later than the earliest 19 of 20 ticks came at most; null before the first. */
  get jitterMs(): number | null {
    return this.#jitterMs;
  }

  setDivisor(divisor: number): void {
    this.#divisor = divisor;
  }

  /** A new connection: another way through the network. The position goes on from where it is. */
  reset(tickHz: number): void {
    this.#lateness = [];
    this.#divisor = 1;
    if (1_000 / tickHz === this.#intervalMs) return;
    this.#intervalMs = 1_000 / tickHz;
    this.#position = null;
  }

  tick(tick: number, now: number): void {
    this.#lateness = recent(this.#lateness, now - tick * this.#intervalMs, windowSize);
    this.#gridMs = Math.min(...this.#lateness);
    this.#jitterMs = (quantile(this.#lateness, lateShare) ?? 0) - this.#gridMs;
  }

  /** The position to draw at `now`, in ticks and fractions of them; null before the first tick. */
  at(now: number): number | null {
    if (this.#jitterMs === null) return null;
    const wanted = (now - this.#gridMs - this.delayMs) / this.#intervalMs;
    if (this.#position === null || Math.abs(wanted - this.#position) > jumpTicks) {
      this.#position = wanted;
    } else {
      const passed = Math.max(0, now - this.#readAt) / this.#intervalMs;
      const room = passed * slewMax;
      this.#position += passed + Math.max(-room, Math.min(room, wanted - this.#position - passed));
    }
    this.#readAt = now;
    return this.#position;
  }
}
