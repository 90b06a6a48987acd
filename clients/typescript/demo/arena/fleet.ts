/** The other ships: their states from ticks, drawn a little in the past so that they move smoothly. */

import { type Match, Motion } from "../../src/index.ts";
import { type Ship, isOtherShip, mixShips } from "./ship.ts";

/** A pilot whose connection is lost fades away in this time, and is drawn at once when back. */
const fadeMs = 2_500;

/**
 * None: ships know their velocity and turn slowly enough that 50 ms of guessing are off by less than
 * a pixel, while 50 ms of waiting are a third of the way across another ship.
 */
const jitterShare = 0;

export interface DrawnShip {
  player: number;
  ship: Ship;
  /** 1, and less while its pilot is away. */
  presence: number;
}

export class Fleet {
  readonly #motion: Motion<Ship>;
  readonly #awaySince = new Map<number, number>();

  constructor(match: Match<Ship>) {
    this.#motion = new Motion(match, {
      mix: (older, newer, share, ticks) => mixShips(older, newer, share, ticks / match.tickHz),
      teleport: isOtherShip,
      jitterShare,
    });
    // Whoever was away before one came is not drawn at all.
    for (const { player, away } of match.players.values()) if (away) this.#awaySince.set(player, -Infinity);
    match.on("away", ({ player }) => this.#awaySince.set(player, performance.now()));
    match.on("back", ({ player }) => this.#awaySince.delete(player));
    match.on("left", ({ player }) => this.#awaySince.delete(player));
  }

  newest(player: number): Ship | null {
    return this.#motion.newest(player);
  }

  /** Where to draw whom at `now`. */
  draw(now: number): DrawnShip[] {
    const drawn: DrawnShip[] = [];
    for (const [player, ship] of this.#motion.draw(now)) {
      const since = this.#awaySince.get(player);
      const presence = since === undefined ? 1 : Math.max(0, 1 - (now - since) / fadeMs);
      if (presence > 0) drawn.push({ player, ship, presence });
    }
    return drawn;
  }
}
