/**
 * What a client sends: STATE, EVENT, PING and RESYNC (protocol.md, section 3).
 *
 * The decoders are for hosts, tests and fakes; a browser bundle drops them.
 */

import { ByteReader, ByteWriter } from "./bytes.ts";
import { protocolError } from "./errors.ts";
import {
  type ClientEvent,
  type ClientPing,
  type ClientState,
  MessageType,
  Purpose,
  Target,
  eventPurpose,
  eventTarget,
} from "./protocol.ts";

export function encodeState({ seq, seen, body }: ClientState): Uint8Array<ArrayBuffer> {
  return new ByteWriter(6 + body.length).u8(MessageType.state).u8(0).u16(seq).u16(seen).put(body).bytes;
}

export function encodeEvent({ kind, player, body }: ClientEvent): Uint8Array<ArrayBuffer> {
  return new ByteWriter(4 + body.length).u8(MessageType.event).u8(kind).u16(player).put(body).bytes;
}

export function encodePing({ seen, clientTime }: ClientPing): Uint8Array<ArrayBuffer> {
  return new ByteWriter(8).u8(MessageType.ping).u8(0).u16(seen).u32(clientTime).bytes;
}

export function encodeResync(): Uint8Array<ArrayBuffer> {
  return new ByteWriter(1).u8(MessageType.resync).bytes;
}

export function decodeState(message: Uint8Array): ClientState {
  const reader = open(message, MessageType.state);
  reserved(reader.u8());
  return { seq: reader.u16(), seen: reader.u16(), body: reader.rest() };
}

export function decodeEvent(message: Uint8Array): ClientEvent {
  const reader = open(message, MessageType.event);
  const kind = reader.u8();
  const player = reader.u16();
  if (kind > 0x1f || eventPurpose(kind) > Purpose.reply) throw protocolError(`unknown kind ${kind}`);
  if (eventTarget(kind) !== Target.player) reserved(player);
  const body = reader.rest();
  if (eventPurpose(kind) !== Purpose.event && body.length < 2) throw protocolError("a request without an id");
  return { kind, player, body };
}

export function decodePing(message: Uint8Array): ClientPing {
  const reader = open(message, MessageType.ping);
  reserved(reader.u8());
  const ping = { seen: reader.u16(), clientTime: reader.u32() };
  reader.end();
  return ping;
}

export function decodeResync(message: Uint8Array): void {
  open(message, MessageType.resync).end();
}

function open(message: Uint8Array, type: number): ByteReader {
  const reader = new ByteReader(message);
  if (reader.u8() !== type) throw protocolError("not the message expected");
  return reader;
}

function reserved(value: number): void {
  if (value !== 0) throw protocolError("a reserved field is not zero");
}
