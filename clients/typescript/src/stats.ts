/**
 * The numbers of a connection: `match.stats`, the same that `tickwire/netgraph` draws.
 *
 * Rates are over the last two seconds, ages and jitter over the last ticks, counts since `join`.
 */

import { quantile } from "./quantile.ts";

const windowMs = 2_000;
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
  /** How much later than the earliest of late 19 of 20 ticks came; null before the first. */
  tickJitterMs: number | null;
  /** How far behind the newest tick `match.timeline` draws. */
  interpolationDelayMs: number;
  /** Every how many ticks one comes. */
  divisor: number;
  ticks: number;
  keyframes: number;
  /** Ticks that the relay kept from this connection, for it was too slow: at most so many. */
  skippedTicks: number;
  /** States left out because they did not fit the schema. */
  badStates: number;
  /** Whether own states are sent by the tick's phase, and how long before it they are to arrive. */
  phaseLocked: boolean;
  phaseMarginMs: number | null;
  unconfirmedEvents: number;
  reconnects: number;
  /** How the last one went; null before the first. */
  lastReconnect: Reconnect | null;
}

export interface Reconnect {
  /** When the connection was there again, in the time of `performance.now()`. */
  at: number;
  /** How long there was none. */
  ms: number;
  /** Whether the slot and every event since were recovered. */
  recovered: boolean;
}

type Past = [at: number, ticks: number, bytesIn: number, bytesOut: number];

export class StatsCounter {
  readonly counts = {
    bytesIn: 0,
    bytesOut: 0,
    ownStateAgeMs: null as number | null,
    ticks: 0,
    keyframes: 0,
    skippedTicks: 0,
    badStates: 0,
    reconnects: 0,
    lastReconnect: null as Reconnect | null,
  };
  /** A keyframe is due that does not come from a skipped tick. */
  keyframeExpected = true;
  /** What the counts were before each message of the window. */
  #past: Past[] = [];
  #ages: number[] = [];
  #lostAt: number | null = null;

  received(size: number): void {
    this.#note();
    this.counts.bytesIn += size;
  }

  sent(size: number): void {
    this.#note();
    this.counts.bytesOut += size;
  }

  /** `passed`: how many ticks of this divisor have passed since the last one that came. */
  tick(keyframe: boolean, passed: number): void {
    this.counts.ticks += 1;
    if (!keyframe) return;
    this.counts.keyframes += 1;
    if (!this.keyframeExpected) this.counts.skippedTicks += Math.max(1, Math.round(passed) - 1);
    this.keyframeExpected = false;
  }

  stateAge(ms: number): void {
    this.#ages = [...this.#ages.slice(1 - ageCountMax), ms];
  }

  connectionLost(): void {
    this.#lostAt ??= performance.now();
    this.#ages = [];
    this.counts.ownStateAgeMs = null;
  }

  connected(recovered: boolean): void {
    this.keyframeExpected = true;
    if (this.#lostAt === null) return;
    const at = performance.now();
    this.counts.reconnects += 1;
    this.counts.lastReconnect = { at, ms: at - this.#lostAt, recovered };
    this.#lostAt = null;
  }

  read(): typeof this.counts & Pick<Stats, "ticksPerSecond" | "bytesInPerSecond" | "bytesOutPerSecond" | "stateAgeMs"> {
    const [, ticks, bytesIn, bytesOut] = this.#note();
    const { counts } = this;
    const perSecond = (count: number): number => count / (windowMs / 1_000);
    return {
      ...counts,
      ticksPerSecond: perSecond(counts.ticks - ticks),
      bytesInPerSecond: perSecond(counts.bytesIn - bytesIn),
      bytesOutPerSecond: perSecond(counts.bytesOut - bytesOut),
      stateAgeMs: quantile(this.#ages, 0.5),
    };
  }

  /** Returns the counts of a window ago. */
  #note(): Past {
    const now = performance.now();
    const { ticks, bytesIn, bytesOut } = this.counts;
    this.#past.push([now, ticks, bytesIn, bytesOut]);
    while (this.#past[0]![0] <= now - windowMs) this.#past.shift();
    return this.#past[0]!;
  }
}
