/**
 * Notices when the machine is too busy to judge anything by: a timer in this process that comes late
 * was held up just as the relay and the browser's processes were.
 */

const intervalMs = 8;
const lateMs = 30;

export class Canary {
  readonly #late: { from: number; to: number }[] = [];
  #beatAt = Date.now();
  readonly #timer = setInterval(() => this.#beat(), intervalMs);

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether the machine was busy at any moment of that time, in milliseconds of its clock. */
  wasBusy(from: number, to: number): boolean {
    return this.#late.some((gap) => gap.from < to && gap.to > from);
  }

  #beat(): void {
    const now = Date.now();
    if (now - this.#beatAt > lateMs) this.#late.push({ from: this.#beatAt, to: now });
    this.#beatAt = now;
  }
}
