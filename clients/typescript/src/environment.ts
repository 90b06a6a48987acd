/**
 * What the package needs from the world: sockets, time, chance. Tests hand in their own.
 */

/** The part of the browser's WebSocket that is used; Node's and npm `ws`'s have it, too. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export type SocketClass = new (url: string, protocols: string) => Socket;

export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
};

/** A timer that is armed or not; arming it again replaces it. */
export class Timer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #handle: unknown = null;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  get armed(): boolean {
    return this.#handle !== null;
  }

  arm(ms: number): void {
    this.disarm();
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = null;
      this.#callback();
    }, ms);
  }

  disarm(): void {
    if (this.#handle !== null) this.#clock.clearTimeout(this.#handle);
    this.#handle = null;
  }
}
