import assert from "node:assert/strict";
import { test } from "node:test";
import { MatchClock } from "../src/match_clock.ts";
import { random } from "./random.ts";

test("the sample with the shortest round trip is believed", () => {
  const clock = new MatchClock();
  assert.equal(clock.at(0), null);
  clock.sample(0, 10, 5_005);
  clock.sample(100, 300, 5_190);
  assert.equal(clock.roundTripMs, 200);
  assert.ok(Math.abs((clock.at(400) ?? 0) - 5_400) < 0.001);
});

test("it never goes back, and follows by at most a twentieth", () => {
  const clock = new MatchClock();
  clock.sample(0, 40, 1_040);
  let last = clock.at(40) ?? 0;
  clock.sample(50, 52, 1_000);
  for (let now = 52; now < 3_000; now += 16) {
    const time = clock.at(now) ?? 0;
    assert.ok(time >= last && time - last <= 16 * 1.051);
    last = time;
  }
  assert.ok(Math.abs(last - (2_996 + 949)) < 20);
});

test("on a jittery, lopsided link it stays within half the best round trip, drifts along and never goes back", () => {
  const clock = new MatchClock();
  const next = random(5);
  const drift = 1.0002;
  let last = -Infinity;
  for (let now = 0; now < 120_000; now += 50) {
    if (now % 2_000 === 0) {
      // Up takes 20 ms and more, down 30 and more; one answer in five is stuck behind half a second of other data.
      const upMs = 20 + next() * 40;
      const downMs = 30 + next() * 40 + (next() < 0.2 ? 500 : 0);
      clock.sample(now - upMs - downMs, now, (now - downMs) * drift);
    }
    const time = clock.at(now) ?? 0;
    assert.ok(time >= last, `back from ${last} to ${time}`);
    if (now > 20_000) assert.ok(Math.abs(time - now * drift) < 35, `${time - now * drift} ms off after ${now} ms`);
    last = time;
  }
});

test("after the machine has slept it steps forward at once, and not back", () => {
  const clock = new MatchClock();
  clock.sample(0, 10, 1_005);
  assert.equal(clock.at(10), 1_010);
  for (let round = 0; round < 13; round += 1) clock.sample(100 + round, 110 + round, 61_105 + round);
  assert.ok((clock.at(130) ?? 0) > 61_000);
  const reached = clock.at(131) ?? 0;
  for (let round = 0; round < 13; round += 1) clock.sample(200 + round, 210 + round, 1_205 + round);
  assert.ok((clock.at(220) ?? 0) >= reached);
});
