/**
 * What a relay sends: TICK, EVENTS and PONG (protocol.md, section 4).
 *
 * Decoding checks the structure of the whole message before anything is applied, so that a broken
 * one changes nothing. Reserved bytes and unknown `flags` and `kind` bits are let through: that is
 * how version 1 grows. The encoders are for tests and fakes; a browser bundle drops them.
 */

import { ByteReader, ByteWriter } from "./bytes.ts";
import { protocolError } from "./errors.ts";
import { type EventEntry, type Pong, type StateEntry, type Tick, deltaFlag, keyframeFlag, noPlayer, tickType, eventsType, pongType } from "./protocol.ts";

const tickHeadSize = 8;
const stateHeadSize = 7;
const eventsHeadSize = 4;
const eventHeadSize = 9;

export function decodeTick(message: Uint8Array): Tick {
  const { reader, flags, count } = open(message, tickType);
  const tick = reader.u32();
  const states = list(reader, count, decodeStateEntry);
  if ((flags & keyframeFlag) !== 0 && states.some((entry) => entry.delta)) {
    throw protocolError("a delta in a keyframe");
  }
  return { flags, tick, states };
}

function decodeStateEntry(reader: ByteReader): StateEntry {
  const player = reader.u16();
  if (player === noPlayer) throw protocolError("a state of nobody");
  const seq = reader.u16();
  const wait = reader.u8();
  const length = reader.u16();
  return { player, seq, wait, delta: (length & deltaFlag) !== 0, body: reader.take(length & ~deltaFlag) };
}

export function encodeTick({ flags, tick, states }: Tick): Uint8Array<ArrayBuffer> {
  const size = states.reduce((sum, entry) => sum + stateHeadSize + entry.body.length, tickHeadSize);
  const writer = new ByteWriter(size).u8(tickType).u8(flags).u16(states.length).u32(tick);
  for (const { player, seq, wait, delta, body } of states) {
    writer.u16(player).u16(seq).u8(wait).u16(body.length | (delta ? deltaFlag : 0)).put(body);
  }
  return writer.bytes;
}

export function decodeEvents(message: Uint8Array): EventEntry[] {
  const { reader, count } = open(message, eventsType);
  // Fields are read in the order in which they are written here.
  return list(reader, count, () => ({ number: reader.u32(), from: reader.u16(), kind: reader.u8(), body: reader.take(reader.u16()) }));
}

export function encodeEvents(events: readonly EventEntry[]): Uint8Array<ArrayBuffer> {
  const size = events.reduce((sum, entry) => sum + eventHeadSize + entry.body.length, eventsHeadSize);
  const writer = new ByteWriter(size).u8(eventsType).u8(0).u16(events.length);
  for (const { number, from, kind, body } of events) {
    writer.u32(number).u16(from).u8(kind).u16(body.length).put(body);
  }
  return writer.bytes;
}

export function decodePong(message: Uint8Array): Pong {
  const { reader, count: taken } = open(message, pongType);
  const pong = { taken, clientTime: reader.u32(), matchTimeUs: reader.u64() };
  reader.end();
  return pong;
}

export function encodePong({ taken, clientTime, matchTimeUs }: Pong): Uint8Array<ArrayBuffer> {
  return new ByteWriter(16).u8(pongType).u8(0).u16(taken).u32(clientTime).u64(matchTimeUs).bytes;
}

/** All three begin alike: `u8 type, u8 flags, u16 count`. */
function open(message: Uint8Array, type: number): { reader: ByteReader; flags: number; count: number } {
  const reader = new ByteReader(message);
  if (reader.u8() !== type) throw protocolError("another message");
  return { reader, flags: reader.u8(), count: reader.u16() };
}

/** The entries, which fill the message to its end. */
function list<Entry>(reader: ByteReader, count: number, read: (reader: ByteReader) => Entry): Entry[] {
  const entries: Entry[] = [];
  while (entries.length < count) entries.push(read(reader));
  reader.end();
  return entries;
}
