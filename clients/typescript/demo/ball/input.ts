/** Where the person wants the disc to go: the keys, or the pointer, or a finger that pulls. */

import { type Moving, towards } from "./field.ts";
import type { View } from "./view.ts";

const keys: { [code: string]: readonly [x: number, y: number] } = {
  ArrowLeft: [-1, 0], KeyA: [-1, 0],
  ArrowRight: [1, 0], KeyD: [1, 0],
  ArrowUp: [0, -1], KeyW: [0, -1],
  ArrowDown: [0, 1], KeyS: [0, 1],
};
const keySpeed = 640;
/** Above the finger, so that it does not cover what it moves. */
const fingerLift = 56;

export class Input {
  readonly #down = new Set<string>();
  #pointer: { x: number; y: number } | null = null;

  constructor(surface: HTMLElement) {
    addEventListener("keydown", (event) => this.#onKey(event, true));
    addEventListener("keyup", (event) => this.#onKey(event, false));
    addEventListener("blur", () => this.#down.clear());
    surface.addEventListener("pointerdown", (event) => {
      surface.setPointerCapture(event.pointerId);
      this.#onPointer(event);
    });
    surface.addEventListener("pointermove", (event) => this.#onPointer(event));
    surface.addEventListener("pointerup", (event) => event.pointerType !== "mouse" && (this.#pointer = null));
    surface.addEventListener("pointerleave", () => (this.#pointer = null));
    surface.addEventListener("pointercancel", () => (this.#pointer = null));
  }

  /** The velocity asked for, in the field's units. */
  wanted(disc: Moving, view: View): { vx: number; vy: number } {
    if (this.#down.size > 0) {
      const [x, y] = [...this.#down].reduce(([x, y], code) => [x + (keys[code]?.[0] ?? 0), y + (keys[code]?.[1] ?? 0)], [0, 0]) as [number, number];
      const length = Math.hypot(x, y) || 1;
      const [vx, vy] = view.turned((x / length) * keySpeed, (y / length) * keySpeed);
      return { vx, vy };
    }
    if (this.#pointer === null) return { vx: 0, vy: 0 };
    const { x, y } = view.toField(this.#pointer.x, this.#pointer.y);
    return towards(disc, x, y);
  }

  #onKey(event: KeyboardEvent, down: boolean): void {
    if (keys[event.code] === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (down) this.#down.add(event.code);
    else this.#down.delete(event.code);
    this.#pointer = null;
  }

  #onPointer({ pointerType, offsetX, offsetY }: PointerEvent): void {
    this.#pointer = { x: offsetX, y: offsetY - (pointerType === "mouse" ? 0 : fingerLift) };
  }
}
