/** Who is in the match, who is host and who one is oneself, from `welcome` and what follows it. */

import type { PlayerInfo, Role, Welcome } from "./control.ts";
import type { Emitter } from "./emitter.ts";
import { TickwireError, protocolError } from "./errors.ts";
import type { MatchEvents, RosterChange } from "./options.ts";
import { noPlayer } from "./protocol.ts";

type Joined = Extract<RosterChange, { op: "joined" }>;
type News = ["joined" | "left" | "away" | "back", PlayerInfo];

export class Roster {
  /** By player number, in the order of joining. */
  readonly players = new Map<number, PlayerInfo>();
  self = noPlayer;
  role: Role = "player";
  host: number | null = null;
  locked = false;
  readonly #emitter: Pick<Emitter<MatchEvents>, "emit">;

  constructor(emitter: Pick<Emitter<MatchEvents>, "emit">) {
    this.#emitter = emitter;
  }

  /** Returns what has changed, as if it had been told one by one. */
  replace({ players, player: self, role, host, locked }: Welcome): News[] {
    const before = new Map(this.players);
    const news: News[] = [];
    this.players.clear();
    for (const player of players) {
      this.players.set(player.player, player);
      const last = before.get(player.player);
      // The number of one who left goes to the next who joins.
      if (last?.name !== player.name) {
        if (player.player !== self) news.push(["joined", player]);
      } else {
        before.delete(player.player);
        if (last.away !== player.away) news.push([player.away ? "away" : "back", player]);
      }
    }
    for (const player of before.values()) news.unshift(["left", player]);
    Object.assign(this, { self, role, host, locked });
    return news;
  }

  /** Tells what has changed, and about whom. */
  apply(change: RosterChange): void {
    const { op } = change;
    let news: News | undefined;
    if (op === "host") this.host = change.player;
    else if (op === "locked") this.locked = change.locked;
    else if (/^(joined|left|away|back)$/.test(op)) news = this.#change(change);
    // A later relay's, which is no concern of ours.
    else return;
    this.#emitter.emit("roster", { change });
    if (op === "host") this.tellHost(change.epoch);
    else if (news) this.#emitter.emit(...news);
  }

  tellHost(epoch: number): void {
    this.#emitter.emit("host", { player: this.host, epoch, isSelf: this.host === this.self });
  }

  assertPlayer(): void {
    if (this.role !== "player") throw new TickwireError("forbidden", "a spectator");
  }

  #change(change: Extract<RosterChange, { op: News[0] }>): News {
    const { op, player } = change;
    const known = this.players.get(player);
    if (!known !== (op === "joined")) throw protocolError(`${op}: ${player}`);
    const { name, plain } = change as Joined;
    const info = known ?? { player, name, plain, away: false };
    info.away = op === "away";
    if (op === "left") this.players.delete(player);
    else this.players.set(player, info);
    return [op, info];
  }
}
