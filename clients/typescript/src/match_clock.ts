/**
 * The match's time on this machine, from PING and PONG.
 *
 * Each PONG gives a round trip and the match time in its middle, wrong by at most half of the round
 * trip; so the sample with the shortest one of the last `sampleCountMax` is believed. The clock
 * follows a new belief by running up to 5 % faster or slower and never goes back, except that a
 * difference of more than `stepMs` (a machine that slept) is taken over at once when it is forward.
 */

const sampleCountMax = 12;
const slewMax = 0.05;
const stepMs = 250;

interface Sample {
  roundTripMs: number;
  /** Match time minus local time. */
  offsetMs: number;
}

export class MatchClock {
  #samples: Sample[] = [];
  #offsetMs = 0;
  #readAt = 0;
  #roundTripMs: number | null = null;

  /** Of the newest PONG; null before the first. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  get ready(): boolean {
    return this.#samples.length > 0;
  }

  sample(sentAt: number, receivedAt: number, matchTimeMs: number): void {
    const roundTripMs = Math.max(0, receivedAt - sentAt);
    const offsetMs = matchTimeMs - (sentAt + receivedAt) / 2;
    const first = !this.ready;
    this.#roundTripMs = roundTripMs;
    this.#samples.push({ roundTripMs, offsetMs });
    if (this.#samples.length > sampleCountMax) this.#samples.shift();
    if (first || this.#target() - this.#offsetMs > stepMs) this.#jump(receivedAt);
  }

  /** Match time in milliseconds at local time `now`; null before the first PONG. */
  at(now: number): number | null {
    if (!this.ready) return null;
    const room = Math.max(0, now - this.#readAt) * slewMax;
    const wanted = this.#target() - this.#offsetMs;
    this.#offsetMs += Math.max(-room, Math.min(room, wanted));
    this.#readAt = Math.max(this.#readAt, now);
    return now + this.#offsetMs;
  }

  /** Another match, or the same name opened anew: its time has nothing to do with the old. */
  reset(): void {
    this.#samples = [];
    this.#roundTripMs = null;
  }

  #jump(now: number): void {
    this.#offsetMs = this.#target();
    this.#readAt = now;
  }

  #target(): number {
    let best = this.#samples[0];
    for (const sample of this.#samples) if (best === undefined || sample.roundTripMs < best.roundTripMs) best = sample;
    return best?.offsetMs ?? 0;
  }
}
