/**
 * When to send a PING. It has three uses, and each gives a deadline:
 *
 * - the report of `seen`: every tick within 250 ms, where no STATE carried it;
 * - the clock: a quick row after joining, then one every two seconds;
 * - the proof of life: when nothing at all was heard for six seconds after a PING, the connection
 *   is dead, whatever the socket thinks.
 *
 * Hidden pages get one timer a minute, so reports go out from the tick's own handler where they can,
 * and silence counts only from a PING that really went out.
 */

import { Timer, clockMs } from "./environment.ts";

export const reportMs = 250;
const heartbeatMs = 2_000;
const burstMs = 120;
const burstCount = 5;
const silenceMs = 6_000;

export interface PulsePort {
  ping(now: number): void;
  /** The peer does not answer. */
  dead(): void;
}

export class Pulse {
  readonly #port: PulsePort;
  readonly #reportTimer: Timer;
  readonly #heartbeatTimer: Timer;
  #reportedAt = 0;
  #burst = 0;
  #beatDueAt = 0;
  /** When the first PING went out after which nothing was heard. */
  #unansweredSince: number | null = null;

  constructor(port: PulsePort) {
    this.#port = port;
    this.#reportTimer = new Timer(() => this.#ping());
    this.#heartbeatTimer = new Timer(() => this.#beat());
  }

  start(): void {
    this.#burst = burstCount;
    this.#unansweredSince = null;
    this.#beatDueAt = clockMs();
    this.#beat();
  }

  stop(): void {
    this.#reportTimer.disarm();
    this.#heartbeatTimer.disarm();
  }

  /** Anything was received. */
  heard(): void {
    this.#unansweredSince = null;
  }

  /** A tick was received: it is to be reported, by a hidden page at once. */
  tick(hidden: boolean): void {
    const sinceMs = clockMs() - this.#reportedAt;
    if (hidden || sinceMs >= reportMs) this.#ping();
    else if (!this.#reportTimer.armed) this.#reportTimer.arm(reportMs - sinceMs);
  }

  /** A STATE went out and carried the report. */
  reported(now: number): void {
    this.#reportedAt = now;
    this.#reportTimer.disarm();
  }

  #ping(): void {
    const now = clockMs();
    this.#unansweredSince ??= now;
    this.reported(now);
    this.#port.ping(now);
  }

  #beat(): void {
    const now = clockMs();
    // A page that slept may have the answers lying unread behind this timer.
    if (now - this.#beatDueAt >= silenceMs) this.#unansweredSince = null;
    if (this.#unansweredSince !== null && now - this.#unansweredSince >= silenceMs) {
      this.#port.dead();
      return;
    }
    this.#ping();
    this.#burst -= 1;
    const nextMs = this.#burst > 0 ? burstMs : heartbeatMs;
    this.#beatDueAt = now + nextMs;
    this.#heartbeatTimer.arm(nextMs);
  }
}
