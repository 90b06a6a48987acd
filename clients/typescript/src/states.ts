/**
 * The newest state of each player, kept up to date from ticks.
 *
 * Invariant: a baseline is exactly what this connection last received for that player. It is gone
 * after a keyframe that does not name the player, after the player's `left`, and with the
 * connection.
 */

import { applyDelta } from "./delta.ts";
import { protocolError } from "./errors.ts";
import { type Tick, keyframeFlag } from "./protocol.ts";

/** One player's state as a tick brought it. */
export interface PlayerState {
  /** The application's own copy. */
  bytes: Uint8Array;
  /** The sender's counter, good for equality only. */
  seq: number;
  /** How long the state lay in the relay before the tick, in 1/256 of the tick interval; 255: or longer. */
  wait: number;
}

export class StateTable {
  readonly #baselines = new Map<number, Uint8Array>();

  /** Applies a tick; returns the states that it brought. Throws a protocol error on one that cannot be. */
  apply(tick: Tick, isPresent: (player: number) => boolean): Map<number, PlayerState> {
    if ((tick.flags & keyframeFlag) !== 0) this.#baselines.clear();
    const states = new Map<number, PlayerState>();
    for (const { player, seq, wait, delta, body } of tick.states) {
      if (!isPresent(player)) throw protocolError(`a state of player ${player}, who is not in the match`);
      if (states.has(player)) throw protocolError(`two states of player ${player} in one tick`);
      const baseline = delta ? this.#change(player, body) : this.#replace(player, body);
      states.set(player, { bytes: baseline.slice(), seq, wait });
    }
    return states;
  }

  drop(player: number): void {
    this.#baselines.delete(player);
  }

  clear(): void {
    this.#baselines.clear();
  }

  #change(player: number, body: Uint8Array): Uint8Array {
    const baseline = this.#baselines.get(player);
    if (baseline === undefined) throw protocolError(`a delta for player ${player} without a baseline`);
    applyDelta(baseline, body);
    return baseline;
  }

  #replace(player: number, body: Uint8Array): Uint8Array {
    const baseline = body.slice();
    this.#baselines.set(player, baseline);
    return baseline;
  }
}
