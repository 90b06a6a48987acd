/** What a link is like, and some that one meets. */

export interface LinkConditions {
  /** Each way; a round trip is twice that. */
  latencyMs?: number;
  /** Up to so much more for each message, uniformly. What is late holds up what comes behind it. */
  jitterMs?: number;
  /**
   * The share of messages that are lost below TCP, 0 to 1. Each is sent again, and until it is there
   * nothing behind it can be read: a stall of two round trips, 200 ms at least (TCP's own minimum).
   */
  loss?: number;
  /** Every how many milliseconds, on average, the link goes dead both ways, and for how long. */
  stallEveryMs?: number;
  stallMs?: number;
  /** Each way. What does not fit waits. */
  bitsPerSecond?: number;
}

export const presets = {
  perfect: {},
  wifi: { latencyMs: 8, jitterMs: 12, loss: 0.002 },
  mobile: { latencyMs: 45, jitterMs: 35, loss: 0.005, bitsPerSecond: 2_000_000 },
  train: { latencyMs: 70, jitterMs: 90, loss: 0.01, stallEveryMs: 9_000, stallMs: 1_600, bitsPerSecond: 400_000 },
  modem: { latencyMs: 60, jitterMs: 10, bitsPerSecond: 32_000 },
} as const satisfies { [name: string]: LinkConditions };

export type LinkPreset = keyof typeof presets;

/** Throws a RangeError that names what makes no sense, so that a typing error is not a mystery link. */
export function checkConditions(conditions: LinkConditions): LinkConditions {
  for (const [name, value] of Object.entries(conditions)) {
    if (value === undefined) continue;
    const least = name === "bitsPerSecond" ? 1 : 0;
    const most = name === "loss" ? 1 : Infinity;
    if (!(value >= least && value <= most)) throw new RangeError(`${name} of a simulated link is ${value}`);
  }
  return { ...conditions };
}
