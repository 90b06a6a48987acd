/**
 * Shots and hits. Both are events: reliable, in order, and of no use twice.
 *
 * Every page flies every shot by itself. The pilot who is hit says so (the relay judges nothing),
 * and the one who shot counts it when the news arrives.
 *
 *     shot: u8 1, u8 0, u16 x, u16 y, i16 vx, i16 vy      hit: u8 2, u8 0, u16 by, u16 x, u16 y
 */

import { type Ship, world } from "./ship.ts";

export interface Shot {
  player: number;
  x: number;
  y: number;
  vx: number;
  vy: number;
  /** Seconds left to fly. */
  left: number;
}

export type ArenaEvent =
  | { kind: "shot"; x: number; y: number; vx: number; vy: number }
  | { kind: "hit"; by: number; x: number; y: number };

const speed = 880;
const range = 1.05;
const hitRadius = 23;
const scale = 65_535 / world.width;
const velocityScale = 16;
const Type = { shot: 1, hit: 2 };

export function shotFrom(ship: Ship): Extract<ArenaEvent, { kind: "shot" }> {
  const x = Math.cos(ship.heading);
  const y = Math.sin(ship.heading);
  return { kind: "shot", x: ship.x + x * 28, y: ship.y + y * 28, vx: ship.vx * 0.6 + x * speed, vy: ship.vy * 0.6 + y * speed };
}

export function packEvent(event: ArenaEvent): Uint8Array {
  const view = new DataView(new ArrayBuffer(event.kind === "shot" ? 10 : 8));
  view.setUint8(0, Type[event.kind]);
  const at = event.kind === "shot" ? 2 : 4;
  view.setUint16(at, Math.max(0, event.x * scale), true);
  view.setUint16(at + 2, Math.max(0, event.y * scale), true);
  if (event.kind === "shot") {
    view.setInt16(6, event.vx * velocityScale, true);
    view.setInt16(8, event.vy * velocityScale, true);
  } else {
    view.setUint16(2, event.by, true);
  }
  return new Uint8Array(view.buffer);
}

/** Null for what this version does not know. */
export function unpackEvent(bytes: Uint8Array): ArenaEvent | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] === Type.shot && bytes.length === 10) {
    return {
      kind: "shot",
      x: view.getUint16(2, true) / scale,
      y: view.getUint16(4, true) / scale,
      vx: view.getInt16(6, true) / velocityScale,
      vy: view.getInt16(8, true) / velocityScale,
    };
  }
  if (bytes[0] === Type.hit && bytes.length === 8) {
    return { kind: "hit", by: view.getUint16(2, true), x: view.getUint16(4, true) / scale, y: view.getUint16(6, true) / scale };
  }
  return null;
}

export class Shots {
  #flying: Shot[] = [];

  get flying(): readonly Shot[] {
    return this.#flying;
  }

  add(player: number, { x, y, vx, vy }: Extract<ArenaEvent, { kind: "shot" }>): void {
    // A page that was hidden gets its events in one burst; nobody needs a thousand shots.
    if (this.#flying.length < 400) this.#flying.push({ player, x, y, vx, vy, left: range });
  }

  step(seconds: number): void {
    for (const shot of this.#flying) {
      shot.x += shot.vx * seconds;
      shot.y += shot.vy * seconds;
      shot.left -= seconds;
    }
    this.#flying = this.#flying.filter(({ x, y, left }) => left > 0 && x > 0 && y > 0 && x < world.width && y < world.height);
  }

  /** The shot of someone else that is in the ship now; it is used up. */
  takeHit(ship: Ship, player: number): Shot | null {
    const index = this.#flying.findIndex((shot) => shot.player !== player && isNear(shot, ship));
    return index === -1 ? null : (this.#flying.splice(index, 1)[0] ?? null);
  }

  /** The shot that is known to have hit there. */
  spend(by: number, x: number, y: number): void {
    const index = this.#flying.findIndex((shot) => shot.player === by && Math.hypot(shot.x - x, shot.y - y) < 160);
    if (index !== -1) this.#flying.splice(index, 1);
  }
}

function isNear(shot: Shot, ship: Ship): boolean {
  return Math.hypot(shot.x - ship.x, shot.y - ship.y) < hitRadius;
}
