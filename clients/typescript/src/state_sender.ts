/**
 * Sends the newest own state: at most one per tick, only through an empty socket, and the last one
 * always.
 *
 * With phase lock a timer sends at the moment that `phase.ts` names. Without, a call sends at once
 * where one is due, so that a game that calls at every frame sends bytes that are fresh, at the rate
 * of the ticks; the timer is then for a game that stops calling.
 */

import { attempt } from "./emitter.ts";
import { Timer, clockMs } from "./environment.ts";
import { PhaseLock } from "./phase.ts";

/** A call so much of an interval early is in time: 60 frames a second give 30 states, not 20. */
const earlyShare = 0.25;
/** When the timer sends what no call has. */
const flushShare = 0.25;

/** Asked for the state when it is about to be sent; null: nothing to send now. */
export type StateSource = () => Uint8Array | null;

export interface StateSenderPort {
  /** Connected, and nothing waits in the socket. */
  ready(): boolean;
  /** Returns the sequence number given. */
  send(body: Uint8Array, now: number): number;
}

export class StateSender {
  readonly #port: StateSenderPort;
  readonly #timer: Timer;
  phase = new PhaseLock(30);
  #intervalMs = 1_000 / 30;
  #source: StateSource | undefined;
  #isMade = false;
  #unsent = false;
  /** By the rate alone. */
  #dueAt = -Infinity;
  /** By the phase: what the timer is armed for. */
  #wantedAt: number | null = null;

  constructor(port: StateSenderPort) {
    this.#port = port;
    this.#timer = new Timer(() => this.#flush());
  }

  /** `isMade`: each state is another, so there is always one more to send. */
  set(source: StateSource, isMade: boolean): void {
    this.#source = source;
    this.#isMade = isMade;
    this.#unsent = true;
    this.#schedule();
  }

  /** A new connection: the relay may have missed the latest state, and a new slot has none. */
  connected(tickHz: number, phaseLock: boolean | undefined): void {
    this.#intervalMs = 1_000 / tickHz;
    this.phase = new PhaseLock(tickHz, phaseLock);
    this.#wantedAt = null;
    this.#unsent = !!this.#source;
    this.#flush();
  }

  /** Something arrived, so the socket may have drained, and a hidden page's timers sleep. */
  poll(): void {
    if (clockMs() >= (this.#wantedAt ?? this.#dueAt) + this.#intervalMs * flushShare) this.#flush();
  }

  stop(): void {
    this.#timer.disarm();
    this.#source = undefined;
    this.#unsent = false;
  }

  #schedule(): void {
    const now = clockMs();
    this.#wantedAt ??= this.phase.nextAt(now);
    if (now >= (this.#wantedAt ?? this.#dueAt - this.#intervalMs * earlyShare)) this.#flush();
    else if (!this.#timer.armed) this.#timer.arm((this.#wantedAt ?? this.#dueAt + this.#intervalMs * flushShare) - now);
  }

  #flush(): void {
    if (!this.#unsent) return;
    const now = clockMs();
    if (!this.#port.ready()) {
      this.#wantedAt = null;
      this.#timer.arm(this.#intervalMs / 2);
      return;
    }
    this.#timer.disarm();
    const body = attempt(this.#source as StateSource);
    const wantedAt = this.#wantedAt ?? now;
    if (this.#wantedAt !== null) this.phase.serve(wantedAt);
    this.#wantedAt = null;
    this.#unsent = this.#isMade;
    // One that is a little late does not fall behind; a game that paused begins a new row.
    const next = this.#dueAt + this.#intervalMs;
    this.#dueAt = next > now + this.#intervalMs / 2 ? next : now + this.#intervalMs;
    if (body) this.phase.sent(this.#port.send(body, now), now, now - wantedAt);
    if (this.#isMade) this.#schedule();
  }
}
