/** What `join` can be told, and what a match reports. */

import type { BackoffOptions } from "./backoff.ts";
import type { Properties, RateReason, Role, ServerControl } from "./control.ts";
import type { Clock, SocketClass } from "./environment.ts";
import type { TickwireError } from "./errors.ts";
import type { PlayerState } from "./states.ts";
import type { Visibility } from "./visibility.ts";

export interface JoinOptions {
  /** At most 64 bytes of UTF-8. Default empty. */
  name?: string;
  /** Default `player`. */
  role?: Role;
  /** A JWT, or a function that is asked for a new one at each connection. */
  ticket?: string | (() => string | Promise<string>);
  /** Leaves the match, or stops joining it. */
  signal?: AbortSignal;
  /** Where the platform has none: Node before 22. */
  WebSocket?: SocketClass;
  backoff?: BackoffOptions;
  /** After so many handshakes in a row that never opened: `unreachable`. Default 4 to join, 20 to come back. */
  handshakesMax?: number;
  /** For tests. */
  clock?: Clock;
  /** For tests, and for pages that know better than the browser whether they are looked at. */
  visibility?: Visibility;
}

/**
 * `connecting` until the first welcome; `connected`; `reconnecting` between two connections;
 * `closed` for good.
 */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

export interface TickEvent {
  tick: number;
  /** `states` is the state of every player that has one. */
  keyframe: boolean;
  /** Each player whose state arrived since the tick before, the own one included. */
  states: ReadonlyMap<number, PlayerState>;
}

export interface StatusEvent {
  status: Status;
  /** With `connected`: the slot and every event since were recovered. False at the first join, too. */
  recovered: boolean;
  /** With `closed` and `reconnecting`: why. */
  error: TickwireError | null;
}

export interface ReceivedEvent {
  number: number;
  /** The player, or 65,535 for the relay. */
  from: number;
  data: Uint8Array | string;
}

export type RosterChange = Extract<ServerControl, { op: "joined" | "left" | "away" | "back" | "host" | "locked" }>;

/** The name and the argument of everything that `match.on` listens to. */
export type MatchEvents = {
  tick: TickEvent;
  event: ReceivedEvent;
  status: StatusEvent;
  /** What changed, or null where `welcome` replaced all of it. */
  roster: { change: RosterChange | null };
  host: { player: number | null; epoch: number; isSelf: boolean };
  /** `by` is null where `welcome` replaced all of them. */
  properties: { set: Properties; version: number; by: number | null };
  rate: { divisor: number; reason: RateReason };
  /** Something went wrong that the match has dealt with or is about to. */
  error: TickwireError;
};

export type SendTarget = "others" | "everyone" | "host" | number;
