/** What part of the world the canvas shows. World units times `scale` are CSS pixels. */

import { type Ship, clamp, world } from "./ship.ts";

const lookAheadSeconds = 0.22;
/** How much empty space around the arena may show. */
const margin = 14;

export class Camera {
  width = 0;
  height = 0;
  scale = 1;
  #x = world.width / 2;
  #y = world.height / 2;
  #settled = false;

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    // As much of the arena as leaves ships large enough to see.
    this.scale = Math.max(width / (world.width + 2 * margin), height / (world.height + 2 * margin), 0.62);
  }

  follow(ship: Ship, seconds: number): void {
    const x = this.#within(ship.x + ship.vx * lookAheadSeconds, this.width, world.width);
    const y = this.#within(ship.y + ship.vy * lookAheadSeconds, this.height, world.height);
    const share = this.#settled ? 1 - Math.exp(-5 * seconds) : 1;
    this.#x += (x - this.#x) * share;
    this.#y += (y - this.#y) * share;
    this.#settled = true;
  }

  /** The world's offset on the canvas: screen = world × scale + offset. */
  get offsetX(): number {
    return this.width / 2 - this.#x * this.scale;
  }

  get offsetY(): number {
    return this.height / 2 - this.#y * this.scale;
  }

  #within(value: number, view: number, size: number): number {
    const half = view / this.scale / 2 - margin;
    return half * 2 >= size ? size / 2 : clamp(value, half, size - half);
  }
}
