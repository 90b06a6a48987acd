/**
 * The others as they are to be drawn: each interpolated between the states that ticks brought, at
 * the place on the axis of ticks that the match's timeline names.
 *
 *     const ships = new Motion(match);
 *     // in a frame
 *     for (const [player, ship] of ships.draw()) drawShip(player, ship);
 */

import { TickwireError } from "./errors.ts";
import { Interpolator, type InterpolatorOptions, type Mix } from "./interpolate.ts";
import type { Match } from "./match.ts";
import { type TickTimeline, timelineOf } from "./timeline.ts";

export interface MotionOptions<State> extends InterpolatorOptions<State> {
  /** What lies between two states. Default: by the schema. */
  mix?: Mix<State>;
  /** How much of the jitter to wait for: 1 (the default) for nearly every tick, 0 to guess where one is late. */
  jitterShare?: number;
  /** Whether the own player is in it, too, as the others see him. Default false. */
  own?: boolean;
}

export class Motion<State> {
  readonly #match: Match<State>;
  readonly #timeline: TickTimeline;
  readonly #mix: Mix<State>;
  readonly #options: MotionOptions<State>;
  readonly #players = new Map<number, { seq: number; motion: Interpolator<State> }>();
  readonly #stops: (() => void)[];

  constructor(match: Match<State>, options: MotionOptions<State> = {}) {
    const mix = options.mix ?? (match.schema as { mix?: Mix<State> } | null)?.mix;
    if (mix === undefined) throw new TickwireError("bad_argument", "Motion: without a schema it needs a mix");
    this.#match = match;
    this.#mix = mix;
    this.#options = options;
    this.#timeline = timelineOf(match);
    if (options.jitterShare !== undefined) this.#timeline.jitterShare = options.jitterShare;
    this.#stops = [
      match.on("tick", ({ tick, states }) => {
        for (const [player, { seq, wait, value }] of states) this.#push(player, seq, tick, wait, value);
      }),
      match.on("left", ({ player }) => this.#players.delete(player)),
      // After a reconnect states that were missed are no movement.
      match.on("status", ({ status }) => status === "connected" && this.#players.clear()),
    ];
  }

  /** Where everybody is at `now`, in the time of `performance.now()`. */
  draw(now: number = performance.now()): Map<number, State> {
    const drawn = new Map<number, State>();
    const position = this.#timeline.at(now);
    if (position === null) return drawn;
    for (const [player, { motion }] of this.#players) {
      const state = motion.at(position);
      if (state !== null) drawn.set(player, state);
    }
    return drawn;
  }

  /** The newest state of a player, not interpolated. */
  newest(player: number): State | null {
    return this.#players.get(player)?.motion.newest ?? null;
  }

  /** Listens no longer. */
  stop(): void {
    for (const stop of this.#stops) stop();
    this.#players.clear();
  }

  #push(player: number, seq: number, tick: number, wait: number, state: State): void {
    if (player === this.#match.player && this.#options.own !== true) return;
    const known = this.#players.get(player);
    // A keyframe brings states again that were drawn long ago.
    if (known?.seq === seq) return;
    const motion = known?.motion ?? new Interpolator(this.#mix, this.#options);
    motion.push(tick, wait, state);
    this.#players.set(player, { seq, motion });
  }
}
