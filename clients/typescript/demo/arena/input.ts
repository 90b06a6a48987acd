/**
 * Keyboard, mouse and touch as one set of controls; the device used last steers.
 *
 * Keyboard: arrows or WASD, space shoots. Mouse: the ship looks at the pointer, the left button
 * shoots, the right one thrusts. Touch: a stick appears under the first finger on the left half,
 * a touch on the right half or a short tap anywhere shoots.
 */

export interface Controls {
  /** -1 to 1. Ignored while `aim` is set. */
  turn: number;
  /** The heading asked for, in radians, or null. */
  aim: number | null;
  /** 0 to 1. */
  thrust: number;
  fire: boolean;
  /** Whether anybody is at the controls. */
  active: boolean;
}

export interface Stick {
  originX: number;
  originY: number;
  x: number;
  y: number;
}

export const stickRadius = 56;
const tapMs = 220;
const tapMove = 14;

const keys: { [code: string]: "left" | "right" | "up" | "fire" } = {
  ArrowLeft: "left", KeyA: "left",
  ArrowRight: "right", KeyD: "right",
  ArrowUp: "up", KeyW: "up",
  Space: "fire",
};

export class Input {
  readonly #down = new Set<string>();
  #pointer: { x: number; y: number } | null = null;
  #buttons = 0;
  #stick: (Stick & { id: number; since: number }) | null = null;
  #firing = new Set<number>();
  #tapped = false;
  #pointerMoved = false;

  constructor(surface: HTMLElement) {
    addEventListener("keydown", (event) => this.#onKey(event, true));
    addEventListener("keyup", (event) => this.#onKey(event, false));
    addEventListener("blur", () => this.#release());
    surface.addEventListener("pointerdown", (event) => this.#onDown(event));
    surface.addEventListener("pointermove", (event) => this.#onMove(event));
    surface.addEventListener("pointerup", (event) => this.#onUp(event));
    surface.addEventListener("pointercancel", (event) => this.#onUp(event));
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  get stick(): Readonly<Stick> | null {
    return this.#stick;
  }

  /** `shipX`, `shipY`: where the own ship is on the screen, for the mouse to aim from. */
  read(shipX: number, shipY: number): Controls {
    const fire = this.#down.has("fire") || this.#firing.size > 0 || (this.#buttons & 1) !== 0 || this.#tapped;
    const active = this.#down.size > 0 || this.#buttons !== 0 || this.#stick !== null || fire || this.#pointerMoved;
    this.#tapped = false;
    this.#pointerMoved = false;
    if (this.#stick !== null) {
      const x = this.#stick.x - this.#stick.originX;
      const y = this.#stick.y - this.#stick.originY;
      const pull = Math.min(1, Math.hypot(x, y) / stickRadius);
      return { turn: 0, aim: pull > 0.2 ? Math.atan2(y, x) : null, thrust: pull > 0.35 ? pull : 0, fire, active };
    }
    const aim = this.#pointer === null ? null : Math.atan2(this.#pointer.y - shipY, this.#pointer.x - shipX);
    const turn = Number(this.#down.has("right")) - Number(this.#down.has("left"));
    const thrust = this.#down.has("up") || (this.#buttons & 2) !== 0 ? 1 : 0;
    return { turn, aim, thrust, fire, active };
  }

  #onKey(event: KeyboardEvent, down: boolean): void {
    const key = keys[event.code];
    if (key === undefined || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    // Space presses a focused button otherwise, and scrolls.
    event.preventDefault();
    if (down) this.#down.add(key);
    else this.#down.delete(key);
    if (key === "left" || key === "right") this.#pointer = null;
  }

  #onDown(event: PointerEvent): void {
    (document.activeElement as HTMLElement | null)?.blur();
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    if (event.pointerType === "mouse") {
      this.#onMove(event);
    } else if (this.#stick === null && event.clientX < innerWidth / 2) {
      this.#pointer = null;
      const { clientX: x, clientY: y } = event;
      this.#stick = { originX: x, originY: y, x, y, id: event.pointerId, since: event.timeStamp };
    } else {
      this.#firing.add(event.pointerId);
      this.#tapped = true;
    }
  }

  #onMove(event: PointerEvent): void {
    if (event.pointerType === "mouse") {
      this.#pointer = { x: event.clientX, y: event.clientY };
      this.#buttons = event.buttons;
      this.#pointerMoved = true;
    } else if (this.#stick?.id === event.pointerId) {
      this.#stick.x = event.clientX;
      this.#stick.y = event.clientY;
    }
  }

  #onUp(event: PointerEvent): void {
    if (event.pointerType === "mouse") this.#buttons = event.buttons;
    this.#firing.delete(event.pointerId);
    const stick = this.#stick;
    if (stick?.id !== event.pointerId) return;
    const moved = Math.hypot(stick.x - stick.originX, stick.y - stick.originY);
    if (event.timeStamp - stick.since < tapMs && moved < tapMove) this.#tapped = true;
    this.#stick = null;
  }

  #release(): void {
    this.#down.clear();
    this.#firing.clear();
    this.#buttons = 0;
    this.#stick = null;
  }
}
