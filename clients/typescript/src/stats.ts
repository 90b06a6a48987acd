/**
 * The numbers of a connection: `match.stats`, the same that `tickwire/netgraph` draws.
 *
 * Rates are over the last two seconds, ages and jitter over the last ticks, counts since `join`.
 */

import { quantile } from "./quantile.ts";

const windowMs = 2_000;
const ageCountMax = 64;
/** Own states on their way to the relay and back: 8 s at 30 Hz. */
const sentCountMax = 256;

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
  #recent: { at: number; amount: number }[] = [];
  #sum = 0;
  total = 0;

  add(amount: number, now: number): void {
    this.#recent.push({ at: now, amount });
    this.#sum += amount;
    this.total += amount;
    this.perSecond(now);
  }

  perSecond(now: number): number {
    while (this.#recent[0] !== undefined && this.#recent[0].at <= now - windowMs) {
      this.#sum -= this.#recent.shift()?.amount ?? 0;
    }
    return (this.#sum * 1_000) / windowMs;
  }
}

/** What other parts know at the moment of reading. */
export type LiveStats = Omit<Stats, keyof CountedStats>;
type CountedStats = Pick<
  Stats,
  | "ticksPerSecond" | "bytesInPerSecond" | "bytesOutPerSecond" | "bytesIn" | "bytesOut" | "stateAgeMs" | "ownStateAgeMs"
  | "ticks" | "keyframes" | "skippedTicks" | "badStates" | "reconnects" | "lastReconnect"
>;

export class StatsCounter {
  readonly #ticks = new Rate();
  readonly #in = new Rate();
  readonly #out = new Rate();
  readonly #sentAt = new Map<number, number>();
  #ages: number[] = [];
  #ownStateAgeMs: number | null = null;
  #keyframes = 0;
  #skipped = 0;
  #lostAt: number | null = null;
  #reconnects = 0;
  #lastReconnect: Reconnect | null = null;
  /** A keyframe is due that does not come from a skipped tick. */
  keyframeExpected = true;
  badStates = 0;

  received(size: number, now: number): void {
    this.#in.add(size, now);
  }

  sent(size: number, now: number): void {
    this.#out.add(size, now);
  }

  /** `passed`: how many ticks of this divisor have passed since the last one that came. */
  tick(keyframe: boolean, passed: number, now: number): void {
    this.#ticks.add(1, now);
    if (!keyframe) return;
    this.#keyframes += 1;
    if (!this.keyframeExpected) this.#skipped += Math.max(1, Math.round(passed) - 1);
    this.keyframeExpected = false;
  }

  stateAge(ms: number): void {
    this.#ages.push(ms);
    if (this.#ages.length > ageCountMax) this.#ages.shift();
  }

  stateSent(seq: number, now: number): void {
    this.#sentAt.set(seq, now);
    // A Map iterates in insertion order: the first key is the oldest.
    const oldest = this.#sentAt.keys().next();
    if (this.#sentAt.size > sentCountMax && oldest.done !== true) this.#sentAt.delete(oldest.value);
  }

  ownStateSeen(seq: number, now: number): void {
    const sentAt = this.#sentAt.get(seq);
    if (sentAt === undefined) return;
    // Once only: a keyframe may bring the same state again, much later.
    this.#sentAt.delete(seq);
    this.#ownStateAgeMs = now - sentAt;
  }

  connectionLost(now: number): void {
    this.#lostAt ??= now;
    this.#sentAt.clear();
    this.#ages = [];
    this.#ownStateAgeMs = null;
  }

  connected(recovered: boolean, now: number): void {
    this.keyframeExpected = true;
    if (this.#lostAt === null) return;
    this.#reconnects += 1;
    this.#lastReconnect = { at: now, ms: now - this.#lostAt, recovered };
    this.#lostAt = null;
  }

  read(now: number, live: LiveStats): Stats {
    return {
      ticksPerSecond: this.#ticks.perSecond(now),
      bytesInPerSecond: this.#in.perSecond(now),
      bytesOutPerSecond: this.#out.perSecond(now),
      bytesIn: this.#in.total,
      bytesOut: this.#out.total,
      stateAgeMs: quantile(this.#ages, 0.5),
      ownStateAgeMs: this.#ownStateAgeMs,
      ticks: this.#ticks.total,
      keyframes: this.#keyframes,
      skippedTicks: this.#skipped,
      badStates: this.badStates,
      reconnects: this.#reconnects,
      lastReconnect: this.#lastReconnect,
      ...live,
    };
  }
}
