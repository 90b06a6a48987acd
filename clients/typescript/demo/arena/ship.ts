/**
 * A ship as it is sent: 41 bytes that the relay does not look into.
 *
 * Fields are quantised and stand at fixed places, so that the relay's byte-wise delta sends little more
 * than what moved; the name costs nothing after the first time.
 */

import { type Infer, angle16, bool, fixed, schema, text, u16, u8 } from "../../src/index.ts";

export const world = { width: 2_000, height: 1_300 };

export const Ship = schema({
  x: fixed(0, world.width),
  y: fixed(0, world.height),
  /** Units per second. */
  vx: fixed(-1_024, 1_024),
  vy: fixed(-1_024, 1_024),
  /** Radians, 0 is to the right, growing clockwise as the screen's y grows downwards. */
  heading: angle16,
  thrusting: bool,
  alive: bool,
  shielded: bool,
  /** Grows with each new ship of the same pilot, so that a respawn is not drawn as a journey. */
  life: u8,
  score: u16,
  name: text(24),
});
export type Ship = Infer<typeof Ship>;

const turn = Math.PI * 2;

/** From one ship to the next, or from a wreck to a ship, is no movement. */
export function isOtherShip(older: Ship, newer: Ship): boolean {
  return older.life !== newer.life || older.alive !== newer.alive;
}

/** Between two states of a ship: a curve that respects both velocities; beyond, straight on. */
export function mixShips(older: Ship, newer: Ship, share: number, seconds: number): Ship {
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
