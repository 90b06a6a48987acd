/**
 * A member of a match that keeps account of what it sends and hears. It runs in a page (`page_member.ts`)
 * and in Node alike, so that both ends of a test count in the same way.
 *
 * States carry the moment at which they were made, on the machine's clock, which all processes share.
 * Events are numbered by their sender: what came can be compared with what was sent.
 */

import { type Match, join } from "../../clients/typescript/src/index.ts";

export interface TickSeen {
  tick: number;
  at: number;
  /** Of the newest state of another player in it; null where there was none. */
  ageMs: number | null;
}

/** Plain data, to be carried out of a page. */
export interface Account {
  player: number;
  status: string;
  reconnects: number;
  sent: number;
  unconfirmed: number;
  /** By sender: the numbers of its events, as they came. */
  heard: { [player: number]: number[] };
  ticks: TickSeen[];
  /** Age of the newest state of anybody else, taken ten times a second. */
  ages: { at: number; ageMs: number }[];
  /** Everything that the roster said: `away 3`. */
  roster: string[];
  errors: string[];
}

const sampleMs = 100;
const stateSize = 48;

export const wallClock = (): number => performance.timeOrigin + performance.now();

export class Member {
  readonly match: Match;
  readonly #heard: Account["heard"] = {};
  readonly #ticks: TickSeen[] = [];
  readonly #ages: Account["ages"] = [];
  readonly #roster: string[] = [];
  readonly #errors: string[] = [];
  readonly #timers: { [what: string]: ReturnType<typeof setInterval> } = {};
  #sent = 0;
  #newest = 0;

  static async join(url: string, name: string): Promise<Member> {
    return new Member(await join(url, { name, handshakesMax: 200 }));
  }

  private constructor(match: Match) {
    this.match = match;
    match.on("event", ({ from, data }) => (this.#heard[from] ??= []).push(Number(data)));
    match.on("roster", ({ change }) => {
      if (change !== null && "player" in change) this.#roster.push(`${change.op} ${change.player}`);
    });
    match.on("error", (error) => this.#errors.push(`${error.code}: ${error.message}`));
    match.on("tick", ({ tick, states }) => {
      const at = wallClock();
      let newest = 0;
      for (const [player, { bytes }] of states) if (player !== match.player) newest = Math.max(newest, stampOf(bytes));
      this.#newest = Math.max(this.#newest, newest);
      this.#ticks.push({ tick, at, ageMs: newest === 0 ? null : at - newest });
    });
  }

  /** Hands over a new state so often, until `stop`. */
  moves(perSecond: number): void {
    this.#repeat("moves", 1_000 / perSecond, () => this.match.state(stamped()));
  }

  /** Sends a numbered event to everyone else so often, until `stop`. */
  talks(perSecond: number): void {
    this.#repeat("talks", 1_000 / perSecond, () => this.match.send(String(this.#sent++)));
  }

  watches(): void {
    this.#repeat("watches", sampleMs, () => {
      const at = wallClock();
      if (this.#newest > 0) this.#ages.push({ at, ageMs: at - this.#newest });
    });
  }

  stop(what: "moves" | "talks" | "watches"): void {
    clearInterval(this.#timers[what]);
    delete this.#timers[what];
  }

  leave(): void {
    for (const timer of Object.values(this.#timers)) clearInterval(timer);
    this.match.leave();
  }

  account(): Account {
    const { player, status, stats } = this.match;
    return {
      player, status, reconnects: stats.reconnects, unconfirmed: stats.unconfirmedEvents, sent: this.#sent,
      heard: this.#heard, ticks: this.#ticks, ages: this.#ages, roster: this.#roster, errors: this.#errors,
    };
  }

  #repeat(what: string, ms: number, action: () => void): void {
    this.#timers[what] = setInterval(() => {
      if (this.match.status !== "closed") action();
    }, ms);
  }
}

/** A state that says when it was made; the rest changes little, as a player's would. */
function stamped(): Uint8Array {
  const bytes = new Uint8Array(stateSize);
  new DataView(bytes.buffer).setFloat64(0, wallClock(), true);
  return bytes;
}

function stampOf(bytes: Uint8Array): number {
  return bytes.length === stateSize ? new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true) : 0;
}
