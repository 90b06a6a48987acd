/**
 * Sends the newest own state: at most one per tick, only through an empty socket, and the last one
 * always.
 *
 * A call that comes when most of a tick has passed goes out at once, so a game that calls at every
 * frame sends bytes that are fresh and not what a timer found lying about. The timer is for a game
 * that stops calling. (This is the place where phase lock will choose the moment.)
 */

import { type Clock, Timer } from "./environment.ts";

/** The share of the tick interval after which a call sends: above 1/2, so that 60 frames give 30 states. */
const readyShare = 0.75;
/** When the timer sends what no call has. */
const flushShare = 1.25;

export interface StateSenderPort {
  /** Connected, and nothing waits in the socket. */
  ready(): boolean;
  send(body: Uint8Array, now: number): void;
}

export class StateSender {
  readonly #clock: Clock;
  readonly #port: StateSenderPort;
  readonly #timer: Timer;
  #intervalMs = 1_000 / 30;
  #latest: Uint8Array | null = null;
  #unsent = false;
  #sentAt = -Infinity;

  constructor(clock: Clock, port: StateSenderPort) {
    this.#clock = clock;
    this.#port = port;
    this.#timer = new Timer(clock, () => this.#flush());
  }

  set(body: Uint8Array): void {
    this.#latest = body;
    this.#unsent = true;
    if (this.#clock.now() - this.#sentAt >= this.#intervalMs * readyShare) this.#flush();
    else if (!this.#timer.armed) this.#timer.arm(this.#intervalMs * flushShare);
  }

  /** A new connection: the relay may have missed the latest state, and a new slot has none. */
  connected(tickHz: number): void {
    this.#intervalMs = 1_000 / tickHz;
    this.#unsent = this.#latest !== null;
    this.#sentAt = -Infinity;
    this.#flush();
  }

  /** Something arrived, so the socket may have drained: a call in the tick's own handler. */
  poll(): void {
    if (this.#clock.now() - this.#sentAt >= this.#intervalMs * flushShare) this.#flush();
  }

  stop(): void {
    this.#timer.disarm();
    this.#latest = null;
    this.#unsent = false;
  }

  #flush(): void {
    if (!this.#unsent || this.#latest === null) return;
    if (!this.#port.ready()) {
      this.#timer.arm(this.#intervalMs);
      return;
    }
    this.#timer.disarm();
    this.#unsent = false;
    this.#sentAt = this.#clock.now();
    this.#port.send(this.#latest, this.#sentAt);
  }
}
