/**
 * The control messages of the game lane: JSON text, one object with an `op` each (protocol.md,
 * sections 2 and 5). Names are as on the wire.
 *
 * `parseControl` checks what the client relies on, so that the rest of the package may trust the
 * types. Unknown `op`s and unknown fields are not errors: version 1 grows by them.
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
  plain?: boolean;
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
  | { op: "properties"; set: Properties; if_version?: number; id?: number }
  | { op: "rate"; divisor: 1 | 2 | 4 | 8; id?: number }
  | { op: "visible"; visible: boolean; id?: number }
  | { op: "leave"; id?: number }
  | { op: "lock"; locked: boolean; id?: number }
  | { op: "kick"; player: number; reason?: string; id?: number }
  | { op: "host"; player: number; id?: number };

type Check = (value: unknown) => boolean;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isPlayer: Check = (value) => isCount(value) && (value as number) <= 65_535;
const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isHost: Check = (value) => value === null || isPlayer(value);
const isPlayerInfo: Check = (value) =>
  isObject(value) && matches(value as Properties, { player: isPlayer, name: isString, away: isBoolean });
const isLimits: Check = (value) =>
  isObject(value) &&
  matches(value as Properties, { state_bytes: isCount, event_bytes: isCount, json_bytes: isCount,
    messages_per_second: isCount, bytes_per_second: isCount, json_per_second: isCount });

const shapes: Record<ServerControl["op"], Record<string, Check>> = {
  welcome: {
    player: isPlayer, role: isString, host: isHost, epoch: isCount, locked: isBoolean, match: isString,
    tick: isCount, tick_hz: (value) => isCount(value) && (value as number) > 0, event: isCount,
    events_taken: isCount, recovered: isBoolean, spectators: isCount, limits: isLimits,
    players: (value) => Array.isArray(value) && value.every(isPlayerInfo),
    properties: isObject, properties_version: isCount,
  },
  joined: { player: isPlayer, name: isString },
  left: { player: isPlayer, reason: isString },
  away: { player: isPlayer },
  back: { player: isPlayer },
  host: { player: isHost, epoch: isCount },
  properties: { version: isCount, set: isObject },
  locked: { locked: isBoolean },
  rate: { divisor: isCount },
  drain: { reconnect_ms: isCount },
  ok: { id: isCount },
  error: { code: isString, message: isString },
};

/** The message, or null where it has no `op` that this version knows. Throws a protocol error. */
export function parseControl(text: string): ServerControl | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw protocolError("a control message is not JSON");
  }
  if (!isObject(value)) throw protocolError("a control message is not an object");
  const message = value as Properties;
  const op = message["op"];
  if (typeof op !== "string" || !Object.hasOwn(shapes, op)) return null;
  if (!matches(message, shapes[op as ServerControl["op"]])) throw protocolError(`a malformed ${op}`);
  return message as ServerControl;
}

function matches(object: Properties, shape: Record<string, Check>): boolean {
  return Object.entries(shape).every(([key, check]) => check(object[key]));
}
