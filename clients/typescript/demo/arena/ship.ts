/**
 * A ship as it is sent: 40 bytes that the relay does not look into.
 *
 * Fields are quantised and stand at fixed places, so that the relay's byte-wise delta sends little
 * more than what moved; the name costs nothing after the first time. The length is constant, for
 * a state that changes its length is sent in full.
 *
 *     0 u16 x · 2 u16 y · 4 i16 vx · 6 i16 vy · 8 u16 heading · 10 u8 flags · 11 u8 life ·
 *     12 u16 score · 14 u8 name length · 15 name, 25 bytes
 */

export const world = { width: 2_000, height: 1_300 };

export interface Ship {
  x: number;
  y: number;
  /** Units per second. */
  vx: number;
  vy: number;
  /** Radians, 0 is to the right, growing clockwise as the screen's y grows downwards. */
  heading: number;
  thrusting: boolean;
  alive: boolean;
  shielded: boolean;
  /** Grows with each new ship of the same pilot, so that a respawn is not drawn as a journey. */
  life: number;
  score: number;
  name: string;
}

export const shipSize = 40;
const nameSizeMax = 25;
const nameOffset = 15;
const positionScale = 65_535 / world.width;
const velocityScale = 32;
const turn = Math.PI * 2;
const angleScale = 65_536 / turn;
const Flag = { thrusting: 1, alive: 2, shielded: 4 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function packShip(ship: Ship): Uint8Array {
  const bytes = new Uint8Array(shipSize);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, clamp(ship.x * positionScale, 0, 65_535), true);
  view.setUint16(2, clamp(ship.y * positionScale, 0, 65_535), true);
  view.setInt16(4, clamp(ship.vx * velocityScale, -32_768, 32_767), true);
  view.setInt16(6, clamp(ship.vy * velocityScale, -32_768, 32_767), true);
  view.setUint16(8, Math.round(ship.heading * angleScale) & 0xffff, true);
  view.setUint8(10, (ship.thrusting ? Flag.thrusting : 0) | (ship.alive ? Flag.alive : 0) | (ship.shielded ? Flag.shielded : 0));
  view.setUint8(11, ship.life & 0xff);
  view.setUint16(12, Math.min(ship.score, 65_535), true);
  const { written } = encoder.encodeInto(ship.name, bytes.subarray(nameOffset, nameOffset + nameSizeMax));
  view.setUint8(14, written ?? 0);
  return bytes;
}

/** Null for what is not a ship: any client may send any bytes into a match. */
export function unpackShip(bytes: Uint8Array): Ship | null {
  if (bytes.length !== shipSize) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(10);
  const nameSize = Math.min(view.getUint8(14), nameSizeMax);
  return {
    x: view.getUint16(0, true) / positionScale,
    y: Math.min(view.getUint16(2, true) / positionScale, world.height),
    vx: view.getInt16(4, true) / velocityScale,
    vy: view.getInt16(6, true) / velocityScale,
    heading: view.getUint16(8, true) / angleScale,
    thrusting: (flags & Flag.thrusting) !== 0,
    alive: (flags & Flag.alive) !== 0,
    shielded: (flags & Flag.shielded) !== 0,
    life: view.getUint8(11),
    score: view.getUint16(12, true),
    name: decoder.decode(bytes.subarray(nameOffset, nameOffset + nameSize)),
  };
}

/** Between two ships of one pilot: a curve that respects both velocities; beyond, straight on. */
export function mixShips(older: Ship, newer: Ship, share: number, seconds: number): Ship {
  if (older.life !== newer.life || older.alive !== newer.alive || share <= 0) return share <= 0 ? older : newer;
  if (share > 1) {
    const ahead = (share - 1) * seconds;
    return { ...newer, x: clamp(newer.x + newer.vx * ahead, 0, world.width), y: clamp(newer.y + newer.vy * ahead, 0, world.height) };
  }
  return {
    ...newer,
    x: hermite(older.x, older.vx * seconds, newer.x, newer.vx * seconds, share),
    y: hermite(older.y, older.vy * seconds, newer.y, newer.vy * seconds, share),
    heading: older.heading + angleBetween(older.heading, newer.heading) * share,
  };
}

/** The short way round, in (-π, π]. */
export function angleBetween(from: number, to: number): number {
  const difference = (((to - from) % turn) + turn) % turn;
  return difference > Math.PI ? difference - turn : difference;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

function hermite(from: number, fromSlope: number, to: number, toSlope: number, t: number): number {
  const t2 = t * t;
  const t3 = t2 * t;
  return (2 * t3 - 3 * t2 + 1) * from + (t3 - 2 * t2 + t) * fromSlope + (3 * t2 - 2 * t3) * to + (t3 - t2) * toSlope;
}
