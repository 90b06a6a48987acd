/** The others as they are drawn: a whole match on a fake socket, its ticks early, late and missing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Interpolator, Motion, type MotionOptions, f32, join, schema } from "../src/index.ts";
import { keyframeFlag } from "../src/protocol.ts";
import { encodeTick } from "../src/server_messages.ts";
import { FakeClock, fakeSockets, neverHidden, settle, welcome } from "./fakes.ts";

const Place = schema({ x: f32 });
const intervalMs = 1_000 / 30;

async function playing(options: MotionOptions<{ x: number }> = {}) {
  const clock = new FakeClock();
  const fake = fakeSockets();
  const joining = join("ws://test/v1/match/a", { WebSocket: fake.WebSocket, visibility: neverHidden, schema: Place, backoff: { random: () => 0 } });
  await settle();
  fake.last().open();
  fake.last().text(welcome());
  const match = await joining;
  const motion = new Motion(match, options);
  let seq = 0;
  const tick = (number: number, x: number | null, flags = 0): void => {
    const body = x === null ? Uint8Array.of(9) : Place.encode({ x });
    seq += 1;
    fake.last().binary(encodeTick({ flags, tick: number, states: [{ player: 0, seq, wait: 0, delta: false, body }] }));
  };
  return { clock, fake, match, motion, tick };
}

/** One tick after another, `late` ms late, x growing by 10 each; what is drawn at 60 frames a second. */
async function walk({ clock, motion, tick }: Awaited<ReturnType<typeof playing>>, from: number, count: number, lateMs: (tick: number) => number, xOf = (number: number) => number * 10) {
  const begin = clock.now();
  const drawn: number[] = [];
  let next = from;
  for (let now = begin; now < begin + count * intervalMs; now += 1_000 / 60) {
    await clock.advance(now - clock.now());
    for (; begin + (next - from) * intervalMs + lateMs(next) <= now; next += 1) tick(next, xOf(next));
    const place = motion.draw(clock.now()).get(0);
    if (place !== undefined) drawn.push(place.x);
  }
  return drawn;
}

test("on a steady link others move evenly, little more than a tick behind", async () => {
  const world = await playing();
  const drawn = (await walk(world, 101, 90, () => 5)).slice(60);
  for (const [index, x] of drawn.entries()) {
    const before = drawn[index - 1];
    if (before !== undefined) assert.ok(Math.abs(x - before - 5) < 1, `a step of ${x - before}`);
  }
  assert.ok((drawn.at(-1) ?? 0) > 1_900 - 25, `${drawn.at(-1)}`);
  world.match.leave();
});

test("jitter makes the delay longer, and nobody ever goes back", async () => {
  const world = await playing();
  const drawn = await walk(world, 101, 150, (tick) => (tick * 7919) % 60);
  for (const [index, x] of drawn.entries()) assert.ok(index === 0 || x >= (drawn[index - 1] ?? 0) - 1e-9, `back to ${x}`);
  const { interpolationDelayMs, tickJitterMs } = world.match.stats;
  assert.ok(interpolationDelayMs !== null && interpolationDelayMs > 60 && interpolationDelayMs < 110, `${interpolationDelayMs} ms`);
  assert.ok((tickJitterMs ?? 0) > 30 && (tickJitterMs ?? 0) < 70, `${tickJitterMs} ms`);
  world.match.leave();
});

test("a divisor makes it longer, too", async () => {
  const world = await playing();
  await walk(world, 101, 30, () => 0);
  const delayMs = (): number => world.match.stats.interpolationDelayMs ?? NaN;
  const before = delayMs();
  world.fake.last().text({ op: "rate", divisor: 4, reason: "slow" });
  assert.ok(Math.abs(delayMs() - before - 3 * intervalMs) < 0.001);
  world.match.leave();
});

test("when ticks are missing others go on for a little, and then stand", async () => {
  const world = await playing();
  await walk(world, 101, 60, () => 0);
  const drawn: number[] = [];
  for (let frame = 0; frame < 60; frame += 1) {
    await world.clock.advance(1_000 / 60);
    drawn.push(world.motion.draw(world.clock.now()).get(0)?.x ?? 0);
  }
  const newest = world.motion.newest(0)?.x ?? 0;
  assert.ok(Math.abs((drawn.at(-1) ?? 0) - (newest + 40)) < 0.1, `${drawn.at(-1)} after ${newest}`);
  assert.equal(drawn.at(-1), drawn.at(-20));
  world.match.leave();
});

test("a teleport is not drawn as a movement", async () => {
  const world = await playing({ teleport: (older, newer) => Math.abs(newer.x - older.x) > 100 });
  const drawn = await walk(world, 101, 60, () => 0, (number) => (number < 130 ? number : number + 5_000));
  assert.ok(drawn.some((x) => x > 5_000));
  for (const x of drawn) assert.ok(x < 131 || x > 5_129, `drawn at ${x}`);
  world.match.leave();
});

test("what does not fit the schema is left out and counted; who leaves is drawn no more", async () => {
  const world = await playing();
  const ticks: number[] = [];
  world.match.on("tick", ({ states }) => ticks.push(states.size));
  world.tick(101, 5, keyframeFlag);
  world.tick(102, null);
  assert.deepEqual(ticks, [1, 0]);
  assert.equal(world.match.stats.badStates, 1);
  assert.equal(world.motion.draw(world.clock.now()).size, 1);
  world.fake.last().text({ op: "left", player: 0, reason: "left" });
  assert.equal(world.motion.draw(world.clock.now()).size, 0);
  world.match.leave();
});

test("somebody who stood still for long does not crawl to where he is next", () => {
  const motion = new Interpolator<number>((older, newer, share) => older + (newer - older) * share);
  motion.push(10, 0, 100);
  motion.push(110, 0, 200);
  assert.equal(motion.at(60), 100);
  assert.equal(motion.at(107), 100);
  assert.equal(motion.at(109), 150);
});

test("skipped ticks are counted by the keyframes that nobody asked for", async () => {
  const world = await playing();
  world.tick(101, 0, keyframeFlag);
  for (let number = 102; number < 110; number += 1) world.tick(number, 1);
  assert.equal(world.match.stats.skippedTicks, 0);
  world.tick(113, 2, keyframeFlag);
  assert.equal(world.match.stats.skippedTicks, 3);
  world.fake.last().text({ op: "rate", divisor: 2, reason: "slow" });
  world.tick(114, 3, keyframeFlag);
  assert.equal(world.match.stats.skippedTicks, 3);
  world.match.leave();
});

test("a state has its age: the wait, half a round trip, and the time since then", async () => {
  const { clock, fake, match } = await playing();
  const ages: number[] = [];
  match.on("tick", ({ states }) => ages.push(states.get(0)?.age ?? -1));
  const states = [{ player: 0, seq: 1, wait: 128, delta: false, body: Place.encode({ x: 0 }) }];
  fake.last().binary(encodeTick({ flags: keyframeFlag, tick: 101, states }));
  await clock.advance(500);
  fake.last().binary(encodeTick({ flags: keyframeFlag, tick: 116, states: [{ player: 0, seq: 1, wait: 255, delta: false, body: Place.encode({ x: 0 }) }] }));
  assert.ok(Math.abs((ages[0] ?? 0) - intervalMs / 2) < 0.01);
  assert.ok(Math.abs((ages[1] ?? 0) - intervalMs / 2 - 500) < 0.01);
  match.leave();
});
