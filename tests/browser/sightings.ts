/**
 * Whether two pages of the arena see each other's ships where they are: each frame of one is held against
 * the frames of the other.
 *
 * A moment at which the machine was busy says nothing of the relay and does not count. Its witnesses are
 * timers, one in each page and one in this process, and the pages' own frames: none of them hears anything
 * from the relay, so a relay that is late, or wrong, cannot excuse itself by them. All the other frames count,
 * and not one may miss. Where a machine has hardly a quiet moment, nothing is judged: skipped, and said.
 */

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Canary, busyMs, overlaps } from "./canary.ts";
import { type Demo, type Recording, record } from "./demo.ts";
import type { Page } from "./tools.ts";

const ticksMax = 3;
/** What the curve between two states may miss by: less than a tenth of a ship, and 20 ms at the speed of an idle pilot. */
const toleranceUnits = 3;
const frameMs = 1_000 / 60;
/** In milliseconds; each is long enough for a wrong relay to show. */
const roundMs = 4_000;

interface Check {
  counted: number;
  misses: string[];
}

/**
 * Watches both pages until `framesMin` frames of each count, and checks them both ways.
 *
 * A round with a miss fails at once where no witness was ever late. Where one was, processes without a witness (the
 * relay, the browser's own) may have been held up at other moments, too: the round does not count, and there is
 * another chance. A demo that draws 100 ms late misses 60 % of the frames in each.
 *
 * Where not one frame missed, but too few count, the test is skipped; what it asserts afterwards still holds it.
 */
export async function checkBoth(context: TestContext, a: Page, b: Page, players: { a: number | null; b: number | null }, framesMin: number): Promise<void> {
  const canary = new Canary();
  const counted = { aOfB: 0, bOfA: 0 };
  let missed = 0;
  let leastBusyMs = Infinity;
  const rounds: string[] = [];
  const roundsMax = 8 + Math.ceil((2 * framesMin * frameMs) / roundMs);
  try {
    while (rounds.length < roundsMax && Math.min(counted.aOfB, counted.bOfA) < framesMin) {
      const begin = Date.now();
      const [ofA, ofB] = await Promise.all([record(a, roundMs), record(b, roundMs)]);
      const witnesses = [canary.gaps.filter(({ to }) => to > begin), ofA.stalls, ofB.stalls];
      const late = witnesses.flat().map(({ from, to }) => to - from);
      leastBusyMs = Math.min(leastBusyMs, late.filter((ms) => ms > busyMs).reduce((sum, ms) => sum + ms, 0));
      const aOfB = checkSeen(ofB, ofA, players.b, canary);
      const bOfA = checkSeen(ofA, ofB, players.a, canary);
      rounds.push(`${[aOfB, bOfA].map(({ counted, misses }) => `${misses.length} of ${counted}${misses.length > 0 ? ` (${misses.slice(0, 3).join(", ")})` : ""}`).join(" and ")}, witnesses late ${late.length} times, ${Math.max(0, ...late).toFixed(0)} ms`);
      if (aOfB.misses.length + bOfA.misses.length > 0) {
        assert.ok(late.length > 0, `not where it was in the last ${ticksMax} ticks, on a quiet machine: ${rounds.at(-1)}`);
        missed += aOfB.misses.length + bOfA.misses.length;
        continue;
      }
      counted.aOfB += aOfB.counted;
      counted.bOfA += bOfA.counted;
    }
  } finally {
    canary.stop();
  }
  context.diagnostic(rounds.join("; "));
  if (Math.min(counted.aOfB, counted.bOfA) >= framesMin) return;
  assert.equal(missed, 0, `not where it was in the last ${ticksMax} ticks: ${rounds.join("; ")}`);
  // A wrong page can starve its own frames, but it is the witnesses who excuse: in every round they stood still
  // for a tenth of the time, in pieces of which each rules out a fifth of a second.
  assert.ok(leastBusyMs > roundMs / 10, `too few frames count, on a machine that was quiet: ${rounds.join("; ")}`);
  context.skip(`the machine was hardly ever quiet enough to judge where ships are, all else is fine: ${rounds.at(-1)}`);
}

/**
 * Each time that `viewer` drew the ship, `pilot` had it there at some moment of the last 3 ticks. The
 * ship must have moved by much more than the tolerance, or this would prove nothing.
 */
function checkSeen(pilot: Recording, viewer: Recording, player: number | null, canary: Canary): Check {
  const sum: Check = { counted: 0, misses: [] };
  const { frames } = pilot;
  const windowMs = (ticksMax * 1_000) / (frames[0]?.tickHz ?? 30);
  for (const { at, others } of viewer.frames) {
    const from = at - windowMs;
    // The pilot's frames must cover the whole window.
    if ((frames[0]?.at ?? Infinity) > from || (frames.at(-1)?.at ?? 0) < at + frameMs) continue;
    const seen = others[String(player)];
    assert.ok(seen !== undefined, "the ship is not drawn");
    const busy = starved(frames, from, at) || starved(viewer.frames, from, at) || canary.wasBusy(from - windowMs, at);
    if (busy || [...pilot.stalls, ...viewer.stalls].some((stall) => stall.to - stall.from > busyMs && overlaps(stall, from - windowMs, at))) continue;
    sum.counted += 1;
    const distance = distanceToPath(seen, between(frames, from, at + frameMs));
    if (distance > toleranceUnits) sum.misses.push(`${distance.toFixed(1)} units at ${at.toFixed(0)}`);
  }
  let travelled = 0;
  for (const [index, { own }] of frames.entries()) {
    const next = frames[index + 1]?.own;
    if (next !== undefined) travelled += Math.hypot(next.x - own.x, next.y - own.y);
  }
  assert.ok(travelled > toleranceUnits * 5, `the ship moved only ${travelled.toFixed(0)} units`);
  return sum;
}

/** Whether a page missed frames in that time. */
function starved(frames: readonly Demo[], from: number, to: number): boolean {
  const inside = between(frames, from, to);
  return inside.some(({ at }, index) => at - (inside[index - 1]?.at ?? at) > 3.5 * frameMs);
}

/** The frames of that time, and the one before it. */
function between(frames: readonly Demo[], from: number, to: number): Demo[] {
  return frames.filter(({ at }, index) => (frames[index + 1]?.at ?? Infinity) >= from && at <= to);
}

/** From the point to the nearest place on the line through the frames' own positions. */
function distanceToPath({ x, y }: { x: number; y: number }, path: readonly Demo[]): number {
  let nearest = Infinity;
  for (const [index, { own: from }] of path.entries()) {
    const to = path[index + 1]?.own ?? from;
    const length2 = (to.x - from.x) ** 2 + (to.y - from.y) ** 2;
    const share = length2 === 0 ? 0 : ((x - from.x) * (to.x - from.x) + (y - from.y) * (to.y - from.y)) / length2;
    const along = Math.max(0, Math.min(1, share));
    nearest = Math.min(nearest, Math.hypot(x - from.x - (to.x - from.x) * along, y - from.y - (to.y - from.y) * along));
  }
  return nearest;
}
