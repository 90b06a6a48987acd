/**
 * What a client sends: STATE, EVENT, PING and RESYNC (protocol.md, section 3).
 *
 * The decoders are for hosts, tests and fakes; a browser bundle drops them.
 */

import { ByteReader } from "./bytes.ts";
import { protocolError } from "./errors.ts";
import { type ClientEvent, type ClientPing, type ClientState, eventPurpose, eventTarget, stateType, eventType, pingType, resyncType, purposeEvent, purposeReply, targetPlayer } from "./protocol.ts";

// An array of bytes takes each number modulo 256, which is what cuts these into their bytes.

export function encodeState({ seq, seen, body }: ClientState): Uint8Array<ArrayBuffer> {
  return withBody([stateType, 0, seq, seq >> 8, seen, seen >> 8], body);
}

export function encodeEvent({ kind, player, body }: ClientEvent): Uint8Array<ArrayBuffer> {
  return withBody([eventType, kind, player, player >> 8], body);
}

export function encodePing({ seen, clientTime }: ClientPing): Uint8Array<ArrayBuffer> {
  return withBody([pingType, 0, seen, seen >> 8], [clientTime, clientTime >> 8, clientTime >> 16, clientTime >> 24]);
}

export function encodeResync(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(resyncType);
}

/** Also what requests and replies are made of: an id, then the bytes. */
export function withBody(head: readonly number[], body: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

export function decodeState(message: Uint8Array): ClientState {
  const reader = open(message, stateType);
  reserved(reader.uint(1));
  return { seq: reader.uint(2), seen: reader.uint(2), body: message.subarray(6) };
}

export function decodeEvent(message: Uint8Array): ClientEvent {
  const reader = open(message, eventType);
  const kind = reader.uint(1);
  const player = reader.uint(2);
  if (kind > 0x1f || eventPurpose(kind) > purposeReply) throw protocolError(`unknown kind ${kind}`);
  if (eventTarget(kind) !== targetPlayer) reserved(player);
  const body = message.subarray(4);
  if (eventPurpose(kind) !== purposeEvent && body.length < 2) throw protocolError("a request without an id");
  return { kind, player, body };
}

export function decodePing(message: Uint8Array): ClientPing {
  const reader = open(message, pingType);
  reserved(reader.uint(1));
  const ping = { seen: reader.uint(2), clientTime: reader.uint(4) };
  reader.end();
  return ping;
}

export function decodeResync(message: Uint8Array): void {
  open(message, resyncType).end();
}

function open(message: Uint8Array, type: number): ByteReader {
  const reader = new ByteReader(message);
  if (reader.uint(1) !== type) throw protocolError("another message");
  return reader;
}

function reserved(value: number): void {
  if (value !== 0) throw protocolError("a reserved field is not zero");
}
