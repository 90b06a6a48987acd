/** Who is in the match and who is host, from `welcome` and what follows it. */

import type { PlayerInfo, ServerControl, Welcome } from "./control.ts";
import { protocolError } from "./errors.ts";

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

  replace(welcome: Welcome): void {
    this.#players.clear();
    for (const player of welcome.players) this.#players.set(player.player, { ...player });
    this.#host = welcome.host;
    this.#epoch = welcome.epoch;
    this.#locked = welcome.locked;
  }

  /** Returns whether the message was one for the roster. */
  apply(message: ServerControl): boolean {
    switch (message.op) {
      case "joined": {
        if (this.#players.has(message.player)) throw protocolError(`player ${message.player} joined twice`);
        const plain = message.plain === true ? { plain: true } : {};
        this.#players.set(message.player, { player: message.player, name: message.name, away: false, ...plain });
        return true;
      }
      case "left":
        this.#known(message.player);
        this.#players.delete(message.player);
        return true;
      case "away":
      case "back":
        this.#known(message.player).away = message.op === "away";
        return true;
      case "host":
        this.#host = message.player;
        this.#epoch = message.epoch;
        return true;
      case "locked":
        this.#locked = message.locked;
        return true;
      default:
        return false;
    }
  }

  #known(player: number): PlayerInfo {
    const info = this.#players.get(player);
    if (info === undefined) throw protocolError(`news of player ${player}, who is not in the match`);
    return info;
  }
}
