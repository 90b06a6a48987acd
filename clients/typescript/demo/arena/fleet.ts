/** The other ships: their states from ticks, drawn a little in the past so that they move smoothly. */

import { Interpolator, type PlayerInfo, type PlayerState, TickTimeline } from "../../src/index.ts";
import { type Ship, mixShips, unpackShip } from "./ship.ts";

/** A pilot whose connection is lost fades away in this time, and is drawn at once when back. */
const fadeMs = 2_500;

/**
 * None: ships know their velocity and turn slowly enough that 50 ms of guessing are off by less than
 * a pixel, while 50 ms of waiting are a third of the way across another ship.
 */
const jitterShare = 0;

interface Other {
  motion: Interpolator<Ship>;
  seq: number;
  awaySince: number | null;
}

export interface DrawnShip {
  player: number;
  ship: Ship;
  /** 1, and less while its pilot is away. */
  presence: number;
}

export class Fleet {
  #timeline: TickTimeline;
  #others = new Map<number, Other>();
  #tickHz: number;

  constructor(tickHz: number) {
    this.#tickHz = tickHz;
    this.#timeline = new TickTimeline(tickHz, { jitterShare });
  }

  get delayMs(): number {
    return this.#timeline.delayMs;
  }

  setDivisor(divisor: number): void {
    this.#timeline.setDivisor(divisor);
  }

  onTick(tick: number, states: ReadonlyMap<number, PlayerState>, own: number, now: number): void {
    this.#timeline.tick(tick, now);
    for (const [player, { bytes, seq, wait }] of states) {
      if (player === own) continue;
      const ship = unpackShip(bytes);
      if (ship === null) continue;
      const other = this.#other(player);
      // A keyframe brings states again that were drawn long ago.
      if (other.seq === seq) continue;
      other.seq = seq;
      other.motion.push(tick, wait, ship);
    }
  }

  /** After `welcome`: whoever is not in it is gone. */
  keepOnly(players: ReadonlyMap<number, Readonly<PlayerInfo>>): void {
    for (const player of this.#others.keys()) if (!players.has(player)) this.#others.delete(player);
    this.#timeline = new TickTimeline(this.#tickHz, { jitterShare });
    for (const other of this.#others.values()) {
      other.motion.clear();
      other.seq = -1;
    }
  }

  remove(player: number): void {
    this.#others.delete(player);
  }

  setAway(player: number, away: boolean, now: number): void {
    this.#other(player).awaySince = away ? now : null;
  }

  newest(player: number): Ship | null {
    return this.#others.get(player)?.motion.newest ?? null;
  }

  /** Where to draw whom at `now`. */
  draw(now: number): DrawnShip[] {
    const position = this.#timeline.at(now);
    if (position === null) return [];
    const drawn: DrawnShip[] = [];
    for (const [player, { motion, awaySince }] of this.#others) {
      const ship = motion.at(position);
      const presence = awaySince === null ? 1 : Math.max(0, 1 - (now - awaySince) / fadeMs);
      if (ship !== null && presence > 0) drawn.push({ player, ship, presence });
    }
    return drawn;
  }

  #other(player: number): Other {
    const known = this.#others.get(player);
    if (known !== undefined) return known;
    const motion = new Interpolator<Ship>((older, newer, share, ticks) => mixShips(older, newer, share, ticks / this.#tickHz));
    const other = { motion, seq: -1, awaySince: null };
    this.#others.set(player, other);
    return other;
  }
}
