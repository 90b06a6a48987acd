/** Who is in the match and who is host, from `welcome` and what follows it. */

import type { PlayerInfo, Welcome } from "./control.ts";
import { protocolError } from "./errors.ts";
import type { RosterChange } from "./options.ts";

export type RosterNews = ["joined" | "left" | "away" | "back", PlayerInfo];

export class Roster {
  readonly #players = new Map<number, PlayerInfo>();
  #host: number | null = null;
  #epoch = 0;
  #locked = false;

  /** By player number, in the order of joining. */
  get players(): ReadonlyMap<number, Readonly<PlayerInfo>> {
    return this.#players;
  }

  get host(): number | null {
    return this.#host;
  }

  /** Grows with each change of host. */
  get epoch(): number {
    return this.#epoch;
  }

  get locked(): boolean {
    return this.#locked;
  }

  /** Returns what has changed, as if it had been told one by one. */
  replace(welcome: Welcome): RosterNews[] {
    const before = new Map(this.#players);
    const news: RosterNews[] = [];
    this.#players.clear();
    for (const player of welcome.players) {
      this.#players.set(player.player, { ...player });
      const last = before.get(player.player);
      // The number of one who left goes to the next who joins.
      const same = last !== undefined && last.name === player.name;
      if (same) before.delete(player.player);
      if (!same) news.push(["joined", player]);
      else if (last.away !== player.away) news.push([player.away ? "away" : "back", player]);
    }
    for (const player of before.values()) news.unshift(["left", player]);
    this.#host = welcome.host;
    this.#epoch = welcome.epoch;
    this.#locked = welcome.locked;
    return news;
  }

  /** Returns the player that the message was about, as he is now or was last. */
  apply(message: RosterChange): PlayerInfo | null {
    const { op } = message;
    if (op === "host") {
      this.#host = message.player;
      this.#epoch = message.epoch;
      return null;
    }
    if (op === "locked") {
      this.#locked = message.locked;
      return null;
    }
    const { player } = message;
    const known = this.#players.get(player);
    if ((known === undefined) !== (op === "joined")) throw protocolError(`${op}: ${player}`);
    const info = known ?? { player, name: "", away: false };
    if (op === "joined") Object.assign(info, { name: message.name, plain: message.plain });
    info.away = op === "away";
    if (op === "left") this.#players.delete(player);
    else this.#players.set(player, info);
    return info;
  }
}
