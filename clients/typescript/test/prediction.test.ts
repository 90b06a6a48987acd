import assert from "node:assert/strict";
import { test } from "node:test";
import { Prediction } from "../src/index.ts";

const walk = (x: number, step: number): number => x + step;

test("inputs act at once, and those the host has not taken are applied again", () => {
  const me = new Prediction(0, walk);
  const [first, second] = [me.apply(1), me.apply(10), me.apply(100)];
  assert.equal(me.state, 111);
  // The host pushed us by 5000 before it took the second.
  assert.equal(me.correct(5_011, second ?? 0), 5_111);
  assert.deepEqual(me.pending, [{ seq: 3, input: 100 }]);
  // An older word comes late: the inputs since are gone, but none is applied twice.
  assert.equal(me.correct(5_111, 3), 5_111);
  assert.equal(me.correct(5_111, first ?? 0), 5_111);
});

test("numbers wrap after 65,535", () => {
  const me = new Prediction(0, walk);
  for (let count = 0; count < 65_534; count += 1) me.correct(0, me.apply(1));
  const seqs = [me.apply(1), me.apply(1), me.apply(1)];
  assert.deepEqual(seqs, [65_535, 0, 1]);
  assert.equal(me.correct(0, 65_535), 2);
  assert.equal(me.correct(0, 0), 1);
});

test("what is never taken is forgotten at the limit, and counted", () => {
  const me = new Prediction(0, walk, { pendingMax: 3 });
  for (let count = 0; count < 5; count += 1) me.apply(1);
  assert.equal(me.pending.length, 3);
  assert.equal(me.dropped, 2);
  assert.equal(me.correct(0, 0), 3);
});
