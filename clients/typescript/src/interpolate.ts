/**
 * Draws one remote player between the states that ticks brought.
 *
 * Samples stand at the moment their state reached the relay: the tick, less `wait`. Between two of
 * them `mix` decides; after the newest it is asked for a share above 1, an extrapolation, up to
 * `extrapolateTicksMax`, and then the player stands still. What `teleport` says is no movement is
 * not drawn as one: the player is at the older place until the time of the newer.
 */

/** `share` 0 is `older`, 1 is `newer`, above 1 lies beyond; `ticks` is the time between the two. */
export type Mix<Value> = (older: Value, newer: Value, share: number, ticks: number) => Value;

/** Whether the way from one state to the next, `ticks` later, is too far to be a movement. */
export type Teleport<Value> = (older: Value, newer: Value, ticks: number) => boolean;

export interface InterpolatorOptions<Value> {
  /** How long a player goes on beyond the newest state. Default 4. */
  extrapolateTicksMax?: number;
  teleport?: Teleport<Value>;
}

const sampleCountMax = 16;
/** A player that was not heard of for longer stood still, and did not crawl to where he is now. */
const gapTicksMax = 10;
/** He made the way in this time instead. */
const catchUpTicks = 2;

interface Sample<Value> {
  at: number;
  value: Value;
  /** The way here from the sample before is not a movement. */
  jumped: boolean;
}

export class Interpolator<Value> {
  readonly #mix: Mix<Value>;
  readonly #teleport: Teleport<Value>;
  readonly #extrapolateTicksMax: number;
  #samples: Sample<Value>[] = [];

  constructor(mix: Mix<Value>, { extrapolateTicksMax = 4, teleport = () => false }: InterpolatorOptions<Value> = {}) {
    this.#mix = mix;
    this.#teleport = teleport;
    this.#extrapolateTicksMax = extrapolateTicksMax;
  }

  /** The newest value, not interpolated. */
  get newest(): Value | null {
    return this.#samples.at(-1)?.value ?? null;
  }

  /** `wait` as in the tick: 256ths of the interval that the state lay in the relay. */
  push(tick: number, wait: number, value: Value): void {
    const at = tick - wait / 256;
    // A keyframe brings the same state again: the newer word on where it was is the better one.
    if ((this.#samples.at(-1)?.at ?? -Infinity) >= at) this.#samples.pop();
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at > gapTicksMax) {
      this.#samples.push({ at: at - catchUpTicks, value: last.value, jumped: false });
    }
    this.#samples.push({ at, value, jumped: last !== undefined && this.#teleport(last.value, value, at - last.at) });
    while (this.#samples.length > sampleCountMax) this.#samples.shift();
  }

  /** The value at a position on the axis of ticks; null before the first sample. */
  at(position: number): Value | null {
    let index = this.#samples.findIndex((sample) => sample.at > position);
    if (index === -1) index = this.#samples.length - 1;
    const newer = this.#samples[index];
    if (newer === undefined) return null;
    const older = this.#samples[index - 1];
    if (older === undefined) return newer.value;
    if (newer.jumped) return position < newer.at ? older.value : newer.value;
    const ticks = newer.at - older.at;
    const reach = Math.min(position, newer.at + this.#extrapolateTicksMax);
    return this.#mix(older.value, newer.value, (reach - older.at) / ticks, ticks);
  }

  clear(): void {
    this.#samples = [];
  }
}
