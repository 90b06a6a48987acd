/**
 * What the package needs from the world: sockets and time. Tests put their own in the place of both.
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

/** Milliseconds, never going back. */
export const clockMs = (): number => performance.now();

/** A timer that is armed or not; arming it again replaces it. */
export class Timer {
  readonly #callback: () => void;
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  get armed(): boolean {
    return !!this.#handle;
  }

  arm(ms: number): void {
    this.disarm();
    this.#handle = setTimeout(() => {
      this.#handle = undefined;
      this.#callback();
    }, ms);
  }

  disarm(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }
}
