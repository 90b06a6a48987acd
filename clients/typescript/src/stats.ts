/**
 * The numbers of a connection: `match.stats`, the same that `tickwire/netgraph` draws.
 *
 * Rates are over the last one to two seconds, ages and jitter over the last ticks, counts since `join`.
 */

import { clockMs } from "./environment.ts";
import { quantile, recent } from "./quantile.ts";

const windowMs = 1_000;
const ageCountMax = 64;

export interface Stats {
  /** TICK messages received per second. */
  ticksPerSecond: number;
  /** Payload of WebSocket messages, without frame heads, TLS and TCP. */
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
  bytesIn: number;
  bytesOut: number;
  /** Of the newest PONG; null before the first. */
  roundTripMs: number | null;
  /** How old the others' states were when ticks brought them (`PlayerState.age`), in the middle; null before the first. */
  stateAgeMs: number | null;
  /** From sending the own state to seeing it in a tick; null before the first. */
  ownStateAgeMs: number | null;
  /** How much later than the earliest of late 19 of 20 ticks came; null before the first, and without a timeline. */
  tickJitterMs: number | null;
  /** How far behind the newest tick others are drawn; null without a timeline (`timelineOf`). */
  interpolationDelayMs: number | null;
  /** Every how many ticks one comes. */
  divisor: number;
  ticks: number;
  keyframes: number;
  /** Ticks that the relay kept from this connection, for it was too slow: at most so many. */
  skippedTicks: number;
  /** States left out because they did not fit the schema. */
  badStates: number;
  /** How long before the tick own states are to arrive; null where they are not sent by its phase. */
  phaseMarginMs: number | null;
  unconfirmedEvents: number;
  reconnects: number;
  /** How the last one went; null before the first. */
  lastReconnect: Reconnect | null;
}

export interface Reconnect {
  /** When the connection was there again, in the time of `clockMs()`. */
  at: number;
  /** How long there was none. */
  ms: number;
  /** Whether the slot and every event since were recovered. */
  recovered: boolean;
}

/** What is counted here; the rest of `Stats` is known elsewhere. */
type Counted = Omit<Stats, "roundTripMs" | "tickJitterMs" | "interpolationDelayMs" | "divisor" | "phaseMarginMs" | "unconfirmedEvents">;

export class StatsCounter {
  bytesIn = 0;
  bytesOut = 0;
  ownStateAgeMs: number | null = null;
  ticks = 0;
  keyframes = 0;
  skippedTicks = 0;
  badStates = 0;
  reconnects = 0;
  lastReconnect: Reconnect | null = null;
  /** A keyframe is due that does not come from a skipped tick. */
  #keyframeExpected = true;
  #ages: number[] = [];
  #lostAt: number | null = null;
  /** What the counts were when this window began, and when the last one did. */
  #begin = { ...this, at: clockMs() };
  #before = this.#begin;

  /** `passed`: how many ticks of this divisor have passed since the last one that came. */
  tick(keyframe: boolean, passed: number): void {
    this.#turn();
    this.ticks += 1;
    if (!keyframe) return;
    this.keyframes += 1;
    if (!this.#keyframeExpected) this.skippedTicks += Math.max(1, Math.round(passed) - 1);
    this.#keyframeExpected = false;
  }

  /** Returns whether none was expected before. */
  expectKeyframe(): boolean {
    return !this.#keyframeExpected && (this.#keyframeExpected = true);
  }

  stateAge(ms: number): void {
    this.#ages = recent(this.#ages, ms, ageCountMax);
  }

  connectionLost(): void {
    this.#lostAt ??= clockMs();
    this.#ages = [];
    this.ownStateAgeMs = null;
  }

  connected(recovered: boolean): void {
    this.expectKeyframe();
    if (this.#lostAt === null) return;
    const at = clockMs();
    this.reconnects += 1;
    this.lastReconnect = { at, ms: at - this.#lostAt, recovered };
    this.#lostAt = null;
  }

  read(): Counted {
    this.#turn();
    const before = this.#before;
    const seconds = (clockMs() - before.at) / 1_000 || 1;
    const perSecond = (name: "ticks" | "bytesIn" | "bytesOut"): number => (this[name] - before[name]) / seconds;
    return {
      ...this,
      ticksPerSecond: perSecond("ticks"),
      bytesInPerSecond: perSecond("bytesIn"),
      bytesOutPerSecond: perSecond("bytesOut"),
      stateAgeMs: quantile(this.#ages, 0.5),
    };
  }

  #turn(): void {
    const at = clockMs();
    if (at - this.#begin.at < windowMs) return;
    this.#before = this.#begin;
    this.#begin = { ...this, at };
  }
}
