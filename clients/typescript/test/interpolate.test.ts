import assert from "node:assert/strict";
import { test } from "node:test";
import { Interpolator, TickTimeline } from "../src/index.ts";

const linear = (older: number, newer: number, share: number): number => older + (newer - older) * share;

test("values lie between their samples, at the moment they reached the relay", () => {
  const motion = new Interpolator(linear);
  motion.push(10, 0, 100);
  motion.push(12, 128, 115);
  assert.equal(motion.at(9), 100);
  assert.equal(motion.at(10.75), 107.5);
  assert.equal(motion.at(11.5), 115);
});

test("beyond the newest sample it goes on, but not for long", () => {
  const motion = new Interpolator(linear, { extrapolateTicksMax: 2 });
  motion.push(10, 0, 100);
  motion.push(11, 0, 110);
  assert.equal(motion.at(12), 120);
  assert.equal(motion.at(13), 130);
  assert.equal(motion.at(50), 130);
});

test("a single sample stands still, none is null", () => {
  const motion = new Interpolator(linear);
  assert.equal(motion.at(1), null);
  motion.push(10, 0, 5);
  assert.equal(motion.at(99), 5);
});

test("samples that overlap in time never divide by zero", () => {
  const motion = new Interpolator(linear);
  motion.push(10, 0, 1);
  motion.push(11, 255, 2);
  motion.push(11, 255, 3);
  assert.ok(Number.isFinite(motion.at(10.5)));
});

/** Ticks at 30 Hz, each late by what `late` says; reads at 60 frames a second. */
function run(late: (tick: number) => number, seconds: number): { steps: number[]; behind: number; timeline: TickTimeline } {
  const timeline = new TickTimeline(30);
  const steps: number[] = [];
  let last: number | null = null;
  let tick = 0;
  let now = 0;
  for (; now < seconds * 1_000; now += 1_000 / 60) {
    while (tick * (1_000 / 30) + late(tick) <= now) {
      timeline.tick(tick, now);
      tick += 1;
    }
    const position = timeline.at(now);
    if (position !== null && last !== null) steps.push(position - last);
    last = position;
  }
  return { steps, behind: (now * 30) / 1_000 - (last ?? 0), timeline };
}

test("on a steady link drawing lags by little more than a tick and moves evenly", () => {
  const { steps, behind } = run(() => 5, 5);
  assert.ok(behind < 2.2, `${behind} ticks behind`);
  for (const step of steps.slice(60)) assert.ok(Math.abs(step - 0.5) < 0.06, `a step of ${step} ticks`);
});

test("on a jittery link it lags more, and never goes back", () => {
  const { steps, behind, timeline } = run((tick) => (tick % 5 === 0 ? 60 : 5), 5);
  assert.ok(behind > 2.2 && behind < 4.5, `${behind} ticks behind`);
  assert.ok(timeline.delayMs > 60);
  for (const step of steps) assert.ok(step >= 0, `a step of ${step} ticks`);
});

test("a game that would rather extrapolate does not wait for late ticks", () => {
  const timeline = new TickTimeline(10, { jitterShare: 0 });
  for (let tick = 0; tick < 20; tick += 1) timeline.tick(tick, tick * 100 + (tick % 2) * 40);
  assert.equal(timeline.delayMs, 100);
});

test("a divisor of 4 is drawn four ticks behind", () => {
  const timeline = new TickTimeline(30);
  timeline.setDivisor(4);
  timeline.tick(0, 0);
  assert.ok(Math.abs(timeline.delayMs - 400 / 3) < 0.01);
});
