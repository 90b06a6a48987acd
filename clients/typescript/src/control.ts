/**
 * The control messages of the game lane: JSON text, one object with an `op` each (protocol.md,
 * sections 2 and 5). Names are as on the wire.
 *
 * Unknown `op`s and unknown fields are not errors: version 1 grows by them.
 */

import { protocolError } from "./errors.ts";

export type Role = "player" | "spectator";
export type LeftReason = "left" | "closed" | "timeout" | "kicked";
export type RateReason = "asked" | "slow" | "hidden" | "recovered";
export type Properties = { [key: string]: unknown };

export interface PlayerInfo {
  player: number;
  name: string;
  /** Between two connections. */
  away: boolean;
  /** On the plain lane: no state, no resume, never host. */
  plain?: boolean | undefined;
}

export interface Limits {
  state_bytes: number;
  event_bytes: number;
  json_bytes: number;
  messages_per_second: number;
  bytes_per_second: number;
  json_per_second: number;
}

export interface Welcome {
  op: "welcome";
  protocol: number;
  features: string[];
  server: string;
  match: string;
  player: number;
  role: Role;
  host: number | null;
  epoch: number;
  locked: boolean;
  tick: number;
  tick_hz: number;
  event: number;
  events_taken: number;
  resume?: string;
  resume_ms?: number;
  recovered: boolean;
  spectators: number;
  limits: Limits;
  players: PlayerInfo[];
  properties: Properties;
  properties_version: number;
}

export type ServerControl =
  | Welcome
  | { op: "joined"; player: number; name: string; plain?: boolean }
  | { op: "left"; player: number; reason: LeftReason }
  | { op: "away"; player: number }
  | { op: "back"; player: number }
  | { op: "host"; player: number | null; epoch: number }
  | { op: "properties"; version: number; set: Properties; by: number }
  | { op: "locked"; locked: boolean }
  | { op: "rate"; divisor: number; reason: RateReason }
  | { op: "drain"; reconnect_ms: number; url: string }
  | { op: "ok"; id: number }
  | { op: "error"; code: string; message: string; id?: number; version?: number };

export type ClientControl =
  | { op: "join"; name?: string; role?: Role; ticket?: string; resume?: string; seen_event?: number }
  | { op: "properties"; set: Properties; if_version?: number | undefined; id?: number }
  | { op: "rate"; divisor: 1 | 2 | 4 | 8; id?: number }
  | { op: "visible"; visible: boolean; id?: number }
  | { op: "leave"; id?: number }
  | { op: "lock"; locked: boolean; id?: number }
  | { op: "kick"; player: number; reason?: string | undefined; id?: number }
  | { op: "host"; player: number; id?: number };

/** `Omit` over a union keeps only what all members share; this takes `id` off each. */
type WithoutId<Message> = Message extends unknown ? Omit<Message, "id"> : never;
/** What the relay answers with `ok` or `error`, once it has an `id`. */
export type ControlRequest = WithoutId<Exclude<ClientControl, { op: "join" }>>;

/** Numbers that the client reckons with. Every `welcome` has the first seven. */
const numbers = ["player", "epoch", "tick", "tick_hz", "event", "events_taken", "properties_version", "version", "divisor", "reconnect_ms"];

const limits = ["state_bytes", "event_bytes", "messages_per_second", "bytes_per_second", "json_per_second"] as const;

/**
 * The message. Throws where it is not a JSON object, or where a number that the
 * client reckons with is not one; what else it lacks shows where it is used, in an error, too.
 */
export function parseControl(text: string): ServerControl {
  const message = JSON.parse(text) as ServerControl;
  if (Array.isArray(message)) throw protocolError("a list");
  const isWelcome = message.op === "welcome";
  for (const [index, name] of numbers.entries()) {
    const value = (message as unknown as Properties)[name];
    if (value != null || (isWelcome && index < 7)) check(value);
  }
  if (isWelcome) {
    for (const { player } of message.players) check(player);
    for (const name of limits) check(message.limits[name]);
  }
  return message;
}

/** An integer, and not negative. */
function check(value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw protocolError(`a number: ${value}`);
}
