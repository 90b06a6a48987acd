/**
 * Draws one remote player between the states that ticks brought.
 *
 * Samples stand at the moment their state reached the relay: the tick, less `wait`. Between two of
 * them the application's `mix` decides; after the newest it is asked for a share above 1, an
 * extrapolation, up to `extrapolateTicksMax`, and then the player stands still. `mix` is also the
 * place to see a teleport: it returns the newer one for any share.
 */

/** `share` 0 is `older`, 1 is `newer`, above 1 lies beyond; `ticks` is the time between the two. */
export type Mix<Value> = (older: Value, newer: Value, share: number, ticks: number) => Value;

const sampleCountMax = 16;

interface Sample<Value> {
  at: number;
  value: Value;
}

export class Interpolator<Value> {
  readonly #mix: Mix<Value>;
  readonly #extrapolateTicksMax: number;
  #samples: Sample<Value>[] = [];

  constructor(mix: Mix<Value>, { extrapolateTicksMax = 4 }: { extrapolateTicksMax?: number } = {}) {
    this.#mix = mix;
    this.#extrapolateTicksMax = extrapolateTicksMax;
  }

  /** The newest value, not interpolated. */
  get newest(): Value | null {
    return this.#samples.at(-1)?.value ?? null;
  }

  /** `wait` as in the tick: 256ths of the interval that the state lay in the relay. */
  push(tick: number, wait: number, value: Value): void {
    const at = tick - wait / 256;
    const newest = this.#samples.at(-1);
    // A keyframe brings the same state again: the newer word on where it was is the better one.
    if (newest !== undefined && at <= newest.at) this.#samples.pop();
    this.#samples.push({ at, value });
    if (this.#samples.length > sampleCountMax) this.#samples.shift();
  }

  /** The value at a position on the axis of ticks; null before the first sample. */
  at(position: number): Value | null {
    const index = this.#samples.findIndex((sample) => sample.at > position);
    const newer = this.#samples[index === -1 ? this.#samples.length - 1 : index];
    if (newer === undefined) return null;
    const older = this.#samples[(index === -1 ? this.#samples.length - 1 : index) - 1];
    if (older === undefined) return newer.value;
    const ticks = newer.at - older.at;
    const reach = Math.min(position, newer.at + this.#extrapolateTicksMax);
    return this.#mix(older.value, newer.value, (reach - older.at) / ticks, ticks);
  }

  clear(): void {
    this.#samples = [];
  }
}
