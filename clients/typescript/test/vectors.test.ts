/**
 * The vectors of `proto/vectors`, both ways where that makes sense. Their README tells the format.
 *
 * `invalid.json` and the client's half of `control.json` are about what a relay refuses: of them
 * only what a client's codec could get wrong is checked here.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeEvent, decodePing, decodeResync, decodeState, encodeEvent, encodePing, encodeResync, encodeState } from "../src/client_messages.ts";
import { type ServerControl, parseControl } from "../src/control.ts";
import { applyDelta, encodeDelta } from "../src/delta.ts";
import { TickwireError } from "../src/errors.ts";
import { eventPurpose, eventTarget, isText, keyframeFlag, noPlayer, eventType, eventsType, pingType, pongType, stateType, tickType } from "../src/protocol.ts";
import { StateTable } from "../src/states.ts";
import { decodeEvents, decodePong, decodeTick, encodeEvents, encodePong, encodeTick } from "../src/server_messages.ts";

type Bytes = string | { repeat: string; times: number } | Bytes[];
interface Message {
  type: string;
  [field: string]: unknown;
}

const targets = ["others", "everyone", "host", "player"];
const purposes = ["event", "request", "reply", "unknown"];

test("client messages decode and encode", () => {
  for (const { name, hex, message } of load<{ name: string; hex: Bytes; message: Message }>("client")) {
    const bytes = bytesOf(hex);
    assert.deepEqual(readClient(bytes), expand(message), name);
    assert.deepEqual(writeClient(message), bytes, name);
  }
});

test("server messages decode and encode", () => {
  for (const { name, hex, message, decode_only } of load<{ name: string; hex: Bytes; message: Message; decode_only?: boolean }>("server")) {
    const bytes = bytesOf(hex);
    assert.deepEqual(readServer(bytes), expand(message), name);
    if (decode_only !== true) assert.deepEqual(writeServer(message), bytes, name);
  }
});

test("malformed server messages are refused", () => {
  for (const { name, hex, outcome } of load<{ name: string; hex: Bytes; outcome: string }>("invalid_server")) {
    if (outcome === "ignored") assert.equal(readServer(bytesOf(hex)), null, name);
    else assert.throws(() => takeServer(bytesOf(hex)), isProtocolError, name);
  }
});

test("malformed client messages are refused by the decoder", () => {
  for (const { name, hex, context } of load<{ name: string; hex: Bytes; context?: unknown }>("invalid")) {
    if (context === undefined) assert.throws(() => readClient(bytesOf(hex)), isProtocolError, name);
    else assert.ok(readClient(bytesOf(hex)), name);
  }
});

test("deltas encode and apply", () => {
  for (const vector of load<{ name: string; baseline: Bytes | null; state: Bytes | null; body?: Bytes | null; apply?: Bytes }>("delta")) {
    const { name } = vector;
    const baseline = vector.baseline === null ? null : bytesOf(vector.baseline);
    const state = vector.state === null ? null : bytesOf(vector.state);
    if (vector.apply !== undefined) {
      checkApply(name, baseline, bytesOf(vector.apply), state);
      continue;
    }
    const body = vector.body == null ? null : bytesOf(vector.body);
    if (state !== null) assert.deepEqual(baseline === null ? null : encodeDelta(baseline, state), body, name);
    if (body !== null) checkApply(name, baseline, body, state);
  }
});

test("control messages from the server are read", () => {
  for (const vector of load<{ name: string; from: string; json: string; message: ServerControl }>("control")) {
    if (vector.from === "server") assert.deepEqual(parseControl(vector.json), vector.message, vector.name);
  }
});

function checkApply(name: string, baseline: Uint8Array | null, body: Uint8Array, state: Uint8Array | null): void {
  assert.ok(baseline !== null, name);
  const before = baseline.slice();
  if (state === null) assert.throws(() => applyDelta(baseline, body), isProtocolError, name);
  else assert.deepEqual(applyDelta(baseline, body), state, name);
  assert.deepEqual(baseline, before, `${name}: untouched`);
}

function readClient(bytes: Uint8Array): Message {
  switch (bytes[0]) {
    case stateType: {
      const { seq, seen, body } = decodeState(bytes);
      return { type: "state", seq, seen, bytes: hexOf(body) };
    }
    case eventType: {
      const { kind, player, body } = decodeEvent(bytes);
      return { type: "event", ...apart(kind), player, body: hexOf(body) };
    }
    case pingType: {
      const { seen, clientTime } = decodePing(bytes);
      return { type: "ping", seen, client_time: clientTime };
    }
    default:
      decodeResync(bytes);
      return { type: "resync" };
  }
}

function writeClient(message: Message): Uint8Array {
  const { type, seq, seen, kind, player, client_time: clientTime } = message as unknown as Record<string, number>;
  const body = bytesOf((message["bytes"] ?? message["body"] ?? "") as Bytes);
  switch (message.type) {
    case "state":
      return encodeState({ seq: seq ?? -1, seen: seen ?? -1, body });
    case "event":
      return encodeEvent({ kind: kind ?? -1, player: player ?? -1, body });
    case "ping":
      return encodePing({ seen: seen ?? -1, clientTime: clientTime ?? -1 });
    case "resync":
      return encodeResync();
    default:
      throw new Error(`no client message ${type}`);
  }
}

/** Null for a type that a client overlooks. */
function readServer(bytes: Uint8Array): Message | null {
  switch (bytes[0]) {
    case undefined:
      throw new TickwireError("protocol", "empty");
    case tickType: {
      const { flags, tick, states } = decodeTick(bytes);
      return { type: "tick", keyframe: (flags & keyframeFlag) !== 0, tick, states: states.map((entry) => ({ ...entry, body: hexOf(entry.body) })) };
    }
    case eventsType:
      return { type: "events", events: decodeEvents(bytes).map(({ number, from, kind, body }) => ({ number, from, ...apart(kind), body: hexOf(body) })) };
    case pongType: {
      const { taken, clientTime, matchTimeUs, matchTimeHigh } = decodePong(bytes);
      return { type: "pong", taken, client_time: clientTime, match_time_us: String((BigInt(matchTimeHigh) << 32n) | BigInt(matchTimeUs)) };
    }
    default:
      return null;
  }
}

/** Reads it, and applies a tick where every player is present and has sent a state before. */
function takeServer(bytes: Uint8Array): void {
  readServer(bytes);
  if (bytes[0] !== tickType) return;
  const tick = decodeTick(bytes);
  const states = [...new Set(tick.states.map(({ player }) => player))].map((player) => ({ player, seq: 0, wait: 0, delta: false, body: new Uint8Array(48) }));
  const table = new StateTable(undefined, () => assert.fail("there is no schema"));
  const present = new Map(states.filter(({ player }) => player !== noPlayer).map(({ player }) => [player, null]));
  table.apply({ flags: 0, tick: 0, states: states.filter(({ player }) => player !== noPlayer) }, present, 0, () => 0);
  table.apply(tick, present, 0, () => 0);
}

function writeServer(message: Message): Uint8Array {
  switch (message.type) {
    case "tick": {
      const states = message["states"] as { player: number; seq: number; wait: number; delta: boolean; body: Bytes }[];
      return encodeTick({
        flags: message["keyframe"] === true ? keyframeFlag : 0,
        tick: message["tick"] as number,
        states: states.map((entry) => ({ ...entry, body: bytesOf(entry.body) })),
      });
    }
    case "events": {
      const events = message["events"] as { number: number; from: number; kind: number; body: Bytes }[];
      return encodeEvents(events.map((entry) => ({ ...entry, body: bytesOf(entry.body) })));
    }
    default: {
      const time = BigInt(message["match_time_us"] as string);
      return encodePong({
        taken: message["taken"] as number,
        clientTime: message["client_time"] as number,
        matchTimeUs: Number(time & 0xffff_ffffn),
        matchTimeHigh: Number(time >> 32n),
      });
    }
  }
}

function apart(kind: number): { kind: number; target: string | undefined; text: boolean; purpose: string | undefined } {
  return { kind, target: targets[eventTarget(kind)], text: isText(kind), purpose: purposes[eventPurpose(kind)] };
}

/** The same value with every form of bytes written as hex. */
function expand(value: unknown): unknown {
  if (Array.isArray(value) && value.every((part) => typeof part === "string" || isRepeat(part)) && value.length > 0) {
    return hexOf(bytesOf(value as Bytes));
  }
  if (Array.isArray(value)) return value.map(expand);
  if (isRepeat(value)) return hexOf(bytesOf(value));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, expand(field)]));
}

function isRepeat(value: unknown): value is { repeat: string; times: number } {
  return typeof value === "object" && value !== null && "repeat" in value;
}

function isProtocolError(error: unknown): boolean {
  return error instanceof TickwireError && error.code === "protocol";
}

function bytesOf(value: Bytes): Uint8Array {
  if (typeof value === "string") return new Uint8Array(Buffer.from(value, "hex"));
  if (Array.isArray(value)) return new Uint8Array(Buffer.concat(value.map(bytesOf)));
  return new Uint8Array(Buffer.from(value.repeat.repeat(value.times), "hex"));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function load<Case>(file: string): Case[] {
  const url = new URL(`../../../proto/vectors/${file}.json`, import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, "utf8")) as { cases: Case[] };
  assert.ok(cases.length > 0, `${file}.json has no cases`);
  return cases;
}
