/**
 * Notices when the machine is too busy to judge anything by: a timer in this process that comes late
 * was held up just as the relay and the browser's processes were.
 */

const intervalMs = 8;
/** Two intervals in one: a little late, which a quiet machine is hardly ever. */
export const lateMs = 2 * intervalMs;
/** So late that nothing near it counts. */
export const busyMs = 30;

export interface Gap {
  from: number;
  to: number;
}

export const overlaps = (gap: Gap, from: number, to: number): boolean => gap.from < to && gap.to > from;

export class Canary {
  /** Every time that it was late, in milliseconds of the machine's clock. */
  readonly gaps: Gap[] = [];
  #beatAt = Date.now();
  readonly #timer = setInterval(() => this.#beat(), intervalMs);

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether the machine was busy at any moment of that time. */
  wasBusy(from: number, to: number): boolean {
    return this.gaps.some((gap) => gap.to - gap.from > busyMs && overlaps(gap, from, to));
  }

  #beat(): void {
    const now = Date.now();
    if (now - this.#beatAt > lateMs) this.gaps.push({ from: this.#beatAt, to: now });
    this.#beatAt = now;
  }
}
