/** What `join` can be told, and what a match reports. */

import type { BackoffOptions } from "./backoff.ts";
import type { PlayerInfo, Properties, RateReason, Role, ServerControl } from "./control.ts";
import type { SocketClass } from "./environment.ts";
import type { TickwireError } from "./errors.ts";
import type { PlayerState } from "./states.ts";
import type { Visibility } from "./visibility.ts";

/** Packs a state into bytes and back. `schema({...})` makes one; any object with these two will do. */
export interface Codec<State> {
  encode(state: State): Uint8Array;
  /** Null for bytes that are not such a state: any client may send any bytes into a match. */
  decode(bytes: Uint8Array): State | null;
}

export interface JoinOptions<State = Uint8Array> {
  /** At most 64 bytes of UTF-8. Default empty. */
  name?: string;
  /** Default `player`. */
  role?: Role;
  /** A JWT, or a function that is asked for a new one at each connection. Where it fails a slot that may still be there is resumed without. */
  ticket?: string | (() => string | Promise<string>);
  /** What states are made of. Without it they are bytes. */
  schema?: Codec<State>;
  /** Sends states so that they reach the relay just before its tick. Default true. */
  phaseLock?: boolean;
  /** Stops joining, and leaves the match that was joined. */
  signal?: AbortSignal;
  /** Where the platform has none (Node before 22), or to put something between (`tickwire/simulate`). */
  WebSocket?: SocketClass;
  /** How long to wait between two attempts to connect. */
  backoff?: BackoffOptions;
  /** After so many attempts in a row without a welcome: `unreachable`. Default 4 to join, 20 to come back. */
  handshakesMax?: number;
  /** Events that may wait for the relay's confirmation; more are refused with `queue_full`. Default 1,024. */
  eventsMax?: number;
  /** And so many bytes of them. Default 1 MiB. */
  eventBytesMax?: number;
  /** For pages that know better than the browser whether they are looked at. */
  visibility?: Visibility;
}

/**
 * `connecting` until the first welcome; `connected`; `reconnecting` between two connections;
 * `closed` for good.
 */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

export interface TickEvent<State = Uint8Array> {
  tick: number;
  /** `states` is the state of every player that has one. */
  keyframe: boolean;
  /** Each player whose state arrived since the tick before, the own one included. */
  states: ReadonlyMap<number, PlayerState<State>>;
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
  /** A string where a string was sent. */
  data: Uint8Array | string;
  /** What `sendJson` was given. Throws a `SyntaxError` for what is not JSON. */
  json(): unknown;
}

export type RosterChange = Extract<ServerControl, { op: "joined" | "left" | "away" | "back" | "host" | "locked" }>;

/** The name and the argument of everything that `match.on` listens to. */
export type MatchEvents<State = Uint8Array> = {
  tick: TickEvent<State>;
  event: ReceivedEvent;
  status: StatusEvent;
  /** Somebody else came, went, lost the connection or found it again. Also for what happened while one was away oneself. */
  joined: PlayerInfo;
  left: PlayerInfo;
  away: PlayerInfo;
  back: PlayerInfo;
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

/** For everything that waits for an answer: the promise rejects with `aborted`. */
export interface WaitOptions {
  signal?: AbortSignal;
}

export interface RequestOptions extends WaitOptions {
  /** Who is to answer. Default the host. */
  to?: "host" | number;
  /** Milliseconds until the promise rejects with `timeout`. Default 5,000; `Infinity` for none. */
  timeout?: number;
}

/** Answers a request: bytes, a string, a promise of one, or nothing where none is to be given. */
export type RequestHandler = (
  data: Uint8Array | string,
  from: number,
) => Uint8Array | string | undefined | void | Promise<Uint8Array | string | undefined | void>;
