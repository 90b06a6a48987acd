import assert from "node:assert/strict";
import { test } from "node:test";
import { MatchClock } from "../src/match_clock.ts";

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
