/**
 * The shapes and numbers of the binary messages of `proto/protocol.md`, sections 3 and 4.
 *
 * Only names live here; the bytes are in `client_messages.ts` (what a client sends) and
 * `server_messages.ts` (what a relay sends). Both directions are coded both ways, so that the
 * vectors in `proto/vectors` can be checked as encoder and as decoder.
 */

export const subprotocol = "tickwire.v1";

// Constants and not objects of them: a bundler writes each where it is used, and drops the rest.

/** The first byte of each binary message. */
export const stateType = 0x01;
export const eventType = 0x02;
export const pingType = 0x03;
export const resyncType = 0x04;
export const tickType = 0x81;
export const eventsType = 0x82;
export const pongType = 0x83;

/** The number that all spectators share, and that stands for the relay as the sender of an event. */
export const noPlayer = 65_535;

/** `flags` bit 0 of a TICK: every baseline is void and each entry is full. */
export const keyframeFlag = 0x01;

/** `wait` of a state entry: this many 256ths of a tick interval, or any longer. */
export const waitMax = 255;

/** `length` bit 15 of a state entry: the body is a delta. */
export const deltaFlag = 0x8000;

/** `kind` bits 0-1 of an event: whom it is for. */
export const targets = ["others", "everyone", "host"] as const;
export const targetOthers = 0;
export const targetEveryone = 1;
export const targetPlayer = 3;

/** `kind` bit 2 of an event: the body is UTF-8 text. */
export const textFlag = 0x04;

/** `kind` bits 3-4 of an event. A request and a reply begin with a `u16 id`. */
export const purposeEvent = 0;
export const purposeRequest = 1;
export const purposeReply = 2;

export interface ClientState {
  seq: number;
  /** Low 16 bits of the newest tick received. */
  seen: number;
  body: Uint8Array;
}

export interface ClientEvent {
  kind: number;
  /** The player named, for `targetPlayer`; 0 otherwise. */
  player: number;
  body: Uint8Array;
}

export interface ClientPing {
  /** Low 16 bits of the newest tick received. */
  seen: number;
  /** The client's own u32 clock; comes back in the PONG. */
  clientTime: number;
}

export interface StateEntry {
  player: number;
  seq: number;
  /** How long before the tick the state reached the relay, in 1/256 of the tick interval. */
  wait: number;
  delta: boolean;
  /** The state itself, or a delta against the one before (see `delta.ts`). */
  body: Uint8Array;
}

export interface Tick {
  flags: number;
  tick: number;
  states: StateEntry[];
}

export interface EventEntry {
  number: number;
  from: number;
  kind: number;
  body: Uint8Array;
}

export interface Pong {
  /** Low 16 bits of the number of EVENTs that the relay has taken from this slot. */
  taken: number;
  clientTime: number;
  /** Microseconds since the match opened, the lower and the higher 32 bits. */
  matchTimeUs: number;
  matchTimeHigh: number;
}

export const eventTarget = (kind: number): number => kind & 0x03;
export const eventPurpose = (kind: number): number => (kind >> 3) & 0x03;
export const isText = (kind: number): boolean => (kind & textFlag) !== 0;
