/**
 * The numbers of a connection: `match.stats`, the same that `tickwire/netgraph` draws.
 *
 * Rates are over the last two seconds, ages and jitter over the last ticks, counts since `join`.
 */

import { quantile } from "./quantile.ts";

const windowMs = 2_000;
const ageCountMax = 64;
/** Own states on their way to the relay and back: 2 s at 30 Hz. */
const sentCountMax = 64;

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

/** What happened lately: a sum over a sliding window. */
class Rate {
  #recent: [at: number, amount: number][] = [];

  add(amount: number, now: number): void {
    this.#recent.push([now, amount]);
    this.perSecond(now);
  }

  perSecond(now: number): number {
    while ((this.#recent[0]?.[0] ?? now) <= now - windowMs) this.#recent.shift();
    return this.#recent.reduce((sum, [, amount]) => sum + amount, 0) / (windowMs / 1_000);
  }
}

export class StatsCounter {
  readonly #ticks = new Rate();
  readonly #in = new Rate();
  readonly #out = new Rate();
  #sent: [seq: number, at: number][] = [];
  #ages: number[] = [];
  #lostAt: number | null = null;
  /** A keyframe is due that does not come from a skipped tick. */
  keyframeExpected = true;
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

  received(size: number, now: number): void {
    this.#in.add(size, now);
    this.counts.bytesIn += size;
  }

  sent(size: number, now: number): void {
    this.#out.add(size, now);
    this.counts.bytesOut += size;
  }

  /** `passed`: how many ticks of this divisor have passed since the last one that came. */
  tick(keyframe: boolean, passed: number, now: number): void {
    this.#ticks.add(1, now);
    this.counts.ticks += 1;
    if (!keyframe) return;
    this.counts.keyframes += 1;
    if (!this.keyframeExpected) this.counts.skippedTicks += Math.max(1, Math.round(passed) - 1);
    this.keyframeExpected = false;
  }

  stateAge(ms: number): void {
    this.#ages = [...this.#ages.slice(1 - ageCountMax), ms];
  }

  stateSent(seq: number, now: number): void {
    this.#sent = [...this.#sent.slice(1 - sentCountMax), [seq, now]];
  }

  /** Each once only: a keyframe may bring the same state again, much later. */
  ownStateSeen(seq: number, now: number): void {
    const index = this.#sent.findIndex(([sent]) => sent === seq);
    const [found] = this.#sent.splice(0, index + 1).slice(-1);
    if (found !== undefined) this.counts.ownStateAgeMs = now - found[1];
  }

  connectionLost(now: number): void {
    this.#lostAt ??= now;
    this.#sent = [];
    this.#ages = [];
    this.counts.ownStateAgeMs = null;
  }

  connected(recovered: boolean, now: number): void {
    this.keyframeExpected = true;
    if (this.#lostAt === null) return;
    this.counts.reconnects += 1;
    this.counts.lastReconnect = { at: now, ms: now - this.#lostAt, recovered };
    this.#lostAt = null;
  }

  read(now: number): typeof this.counts & Pick<Stats, "ticksPerSecond" | "bytesInPerSecond" | "bytesOutPerSecond" | "stateAgeMs"> {
    return {
      ...this.counts,
      ticksPerSecond: this.#ticks.perSecond(now),
      bytesInPerSecond: this.#in.perSecond(now),
      bytesOutPerSecond: this.#out.perSecond(now),
      stateAgeMs: quantile(this.#ages, 0.5),
    };
  }
}
