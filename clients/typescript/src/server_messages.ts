/**
 * What a relay sends: TICK, EVENTS and PONG (protocol.md, section 4).
 *
 * Decoding checks the structure of the whole message before anything is applied, so that a broken
 * one changes nothing; what a state entry means is for `states.ts` to check. Reserved bytes and unknown `flags` and `kind` bits are let through: that is
 * how version 1 grows. The encoders are for tests and fakes; a browser bundle drops them.
 */

import { ByteReader, ByteWriter } from "./bytes.ts";
import { type EventEntry, type Pong, type Tick, deltaFlag, tickType, eventsType, pongType } from "./protocol.ts";

const tickHeadSize = 8;
const stateHeadSize = 7;
const eventsHeadSize = 4;
const eventHeadSize = 9;

// Fields are read in the order in which they are written here. The type was looked at before.

export function decodeTick(message: Uint8Array): Tick {
  const reader = new ByteReader(message, 1);
  const [flags, count, tick] = [reader.uint(1), reader.uint(2), reader.uint(4)];
  const states = reader.list(count, () => {
    const [player, seq, wait, length] = [reader.uint(2), reader.uint(2), reader.uint(1), reader.uint(2)];
    return { player, seq, wait, delta: length >= deltaFlag, body: reader.take(length % deltaFlag) };
  });
  return { flags, tick, states };
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
  const reader = new ByteReader(message, 2);
  return reader.list(reader.uint(2), () => ({ number: reader.uint(4), from: reader.uint(2), kind: reader.uint(1), body: reader.take(reader.uint(2)) }));
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
  const reader = new ByteReader(message, 2);
  const pong = { taken: reader.uint(2), clientTime: reader.uint(4), matchTimeUs: reader.uint(4), matchTimeHigh: reader.uint(4) };
  reader.end();
  return pong;
}

export function encodePong({ taken, clientTime, matchTimeUs, matchTimeHigh }: Pong): Uint8Array<ArrayBuffer> {
  return new ByteWriter(16).u8(pongType).u8(0).u16(taken).u32(clientTime).u32(matchTimeUs).u32(matchTimeHigh).bytes;
}
