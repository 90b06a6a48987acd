/**
 * The newest state of each player, kept up to date from ticks.
 *
 * Invariant: a baseline is exactly what this connection last received for that player. It is gone
 * after a keyframe that does not name the player, after the player's `left`, and with the
 * connection.
 */

import { applyDelta } from "./delta.ts";
import { attempt } from "./emitter.ts";
import { protocolError } from "./errors.ts";
import type { Codec } from "./options.ts";
import { type Tick, keyframeFlag } from "./protocol.ts";

/** One player's state as a tick brought it. */
export interface PlayerState<State = Uint8Array> {
  /** By the schema; without one the same as `bytes`. */
  value: State;
  /** The application's own copy. */
  bytes: Uint8Array;
  /** The sender's counter, good for equality only: equal to the last one, a keyframe brought the same state again. */
  seq: number;
  /**
   * Milliseconds since the state reached the relay, as well as this client can tell: its wait for
   * the tick, half a round trip, and the time since then where a keyframe brings it again. At least
   * so much where `wait` is 255.
   */
  age: number;
  /** How long the state lay in the relay before the tick, in 1/256 of the tick interval; 255: or longer. */
  wait: number;
}

interface Held {
  bytes: Uint8Array;
  seq: number;
  /** When it reached the relay, on this machine's clock. */
  arrivedAt: number;
}

export class StateTable<State = Uint8Array> {
  #held = new Map<number, Held>();
  readonly #schema: Codec<State> | undefined;
  readonly #onMisfit: () => void;

  /** `onMisfit`: a state does not fit the schema, and is left out. Any client may send any bytes. */
  constructor(schema: Codec<State> | undefined, onMisfit: () => void) {
    this.#schema = schema;
    this.#onMisfit = onMisfit;
  }

  /**
   * Applies a tick that came at `now`; returns the states that it brought. `arrival` tells by a state's wait when it
   * reached the relay. Throws a protocol error on a tick that cannot be.
   */
  apply(tick: Tick, present: ReadonlyMap<number, unknown>, now: number, arrival: (wait: number) => number): Map<number, PlayerState<State>> {
    const before = this.#held;
    if ((tick.flags & keyframeFlag) !== 0) this.#held = new Map();
    const states = new Map<number, PlayerState<State>>();
    for (const { player, seq, wait, delta, body } of tick.states) {
      const last = before.get(player);
      const baseline = delta ? this.#held.get(player)?.bytes : body;
      if (!present.has(player) || states.has(player) || !baseline) throw protocolError(`a state of ${player}`);
      const bytes = delta ? applyDelta(baseline, body) : body;
      const arrivedAt = last?.seq === seq ? last.arrivedAt : arrival(wait);
      this.#held.set(player, { bytes, seq, arrivedAt });
      const own = bytes.slice();
      const value = attempt(() => (this.#schema ? this.#schema.decode(own) : (own as State)));
      if (value == null) this.#onMisfit();
      else states.set(player, { value, bytes: own, seq, age: now - arrivedAt, wait });
    }
    return states;
  }

  drop(player: number): void {
    this.#held.delete(player);
  }

  clear(): void {
    this.#held.clear();
  }
}
