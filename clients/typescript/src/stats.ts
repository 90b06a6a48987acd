/** The numbers of a connection, over the last two seconds where they are rates. */

const windowMs = 2_000;

/** What happened lately: a sum over a sliding window. */
class Rate {
  #events: { at: number; amount: number }[] = [];
  #sum = 0;

  add(amount: number, now: number): void {
    this.#events.push({ at: now, amount });
    this.#sum += amount;
    this.perSecond(now);
  }

  perSecond(now: number): number {
    while (this.#events[0] !== undefined && this.#events[0].at <= now - windowMs) {
      this.#sum -= this.#events.shift()?.amount ?? 0;
    }
    return (this.#sum * 1_000) / windowMs;
  }
}

export interface Stats {
  /** TICK messages received per second. */
  ticksPerSecond: number;
  /** Payload of WebSocket messages, without frame heads, TLS and TCP. */
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
  /** From sending the own state to seeing it in a tick; null before the first. */
  ownStateAgeMs: number | null;
  roundTripMs: number | null;
  divisor: number;
  unconfirmedEvents: number;
  ticks: number;
  keyframes: number;
  reconnects: number;
}

export class StatsCounter {
  readonly #ticks = new Rate();
  readonly #bytesIn = new Rate();
  readonly #bytesOut = new Rate();
  #sentAt = new Map<number, number>();
  #ownStateAgeMs: number | null = null;
  ticks = 0;
  keyframes = 0;
  reconnects = 0;

  received(size: number, now: number): void {
    this.#bytesIn.add(size, now);
  }

  sent(size: number, now: number): void {
    this.#bytesOut.add(size, now);
  }

  tick(keyframe: boolean, now: number): void {
    this.#ticks.add(1, now);
    this.ticks += 1;
    if (keyframe) this.keyframes += 1;
  }

  stateSent(seq: number, now: number): void {
    this.#sentAt.set(seq, now);
    // A Map iterates in insertion order: the first key is the oldest.
    const oldest = this.#sentAt.keys().next();
    if (this.#sentAt.size > 256 && oldest.done !== true) this.#sentAt.delete(oldest.value);
  }

  ownStateSeen(seq: number, now: number): void {
    const sentAt = this.#sentAt.get(seq);
    if (sentAt === undefined) return;
    // Once only: a keyframe may bring the same state again, much later.
    this.#sentAt.delete(seq);
    this.#ownStateAgeMs = now - sentAt;
  }

  connectionLost(): void {
    this.#sentAt.clear();
    this.#ownStateAgeMs = null;
  }

  read(now: number, live: Pick<Stats, "roundTripMs" | "divisor" | "unconfirmedEvents">): Stats {
    return {
      ticksPerSecond: this.#ticks.perSecond(now),
      bytesInPerSecond: this.#bytesIn.perSecond(now),
      bytesOutPerSecond: this.#bytesOut.perSecond(now),
      ownStateAgeMs: this.#ownStateAgeMs,
      ticks: this.ticks,
      keyframes: this.keyframes,
      reconnects: this.reconnects,
      ...live,
    };
  }
}
