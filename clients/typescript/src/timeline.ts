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
 */

const windowSize = 64;
const slewMax = 0.1;
const jumpTicks = 8;
const jitterQuantile = 0.9;

export class TickTimeline {
  readonly #intervalMs: number;
  readonly #jitterShare: number;
  #lateness: number[] = [];
  #position: number | null = null;
  #readAt = 0;
  #divisor = 1;
  /** What to subtract from the time to be on the grid, and how far behind it to draw. */
  #gridMs = 0;
  #delayMs = 0;

  /** `jitterShare`: 1 waits for nearly every tick, 0 for none that is late. */
  constructor(tickHz: number, { jitterShare = 1 }: { jitterShare?: number } = {}) {
    this.#jitterShare = jitterShare;
    this.#intervalMs = 1_000 / tickHz;
    this.#delayMs = this.#intervalMs;
  }

  /** How far drawing lags behind the newest tick that could have arrived. */
  get delayMs(): number {
    return this.#delayMs;
  }

  setDivisor(divisor: number): void {
    this.#divisor = divisor;
  }

  tick(tick: number, now: number): void {
    this.#lateness.push(now - tick * this.#intervalMs);
    if (this.#lateness.length > windowSize) this.#lateness.shift();
    const sorted = [...this.#lateness].sort((a, b) => a - b);
    this.#gridMs = sorted[0] ?? 0;
    const late = sorted[Math.floor((sorted.length - 1) * jitterQuantile)] ?? this.#gridMs;
    const jitterMs = Math.min(late - this.#gridMs, 6 * this.#intervalMs);
    this.#delayMs = this.#divisor * this.#intervalMs + jitterMs * this.#jitterShare;
  }

  /** The position to draw at `now`, in ticks and fractions of them; null before the first tick. */
  at(now: number): number | null {
    if (this.#lateness.length === 0) return null;
    const wanted = (now - this.#gridMs - this.#delayMs) / this.#intervalMs;
    if (this.#position === null || Math.abs(wanted - this.#position) > jumpTicks) {
      this.#position = wanted;
    } else {
      const steady = this.#position + (now - this.#readAt) / this.#intervalMs;
      const room = ((now - this.#readAt) / this.#intervalMs) * slewMax;
      this.#position = steady + Math.max(-room, Math.min(room, wanted - steady));
    }
    this.#readAt = now;
    return this.#position;
  }
}
