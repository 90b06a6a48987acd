import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDelta, encodeDelta } from "../src/delta.ts";
import { random } from "./random.ts";

test("a delta applied to its baseline gives the state, for every length and density", () => {
  const next = random(1);
  for (let size = 0; size <= 70; size += 1) {
    for (const density of [0, 0.1, 0.5, 0.95]) {
      const baseline = Uint8Array.from({ length: size }, () => next() * 256);
      const state = baseline.map((value) => (next() < density ? next() * 256 : value));
      const body = encodeDelta(baseline, state);
      if (body === null) continue;
      assert.ok(body.length < size);
      assert.deepEqual(applyDelta(baseline, body), state);
    }
  }
});

test("an empty delta means the same bytes", () => {
  const state = Uint8Array.of(1, 2, 3);
  assert.equal(encodeDelta(state, state.slice())?.length, 0);
});

test("another length, or a change of nearly everything, goes out full", () => {
  assert.equal(encodeDelta(Uint8Array.of(1), Uint8Array.of(1, 2)), null);
  assert.equal(encodeDelta(Uint8Array.of(1, 2), Uint8Array.of(3, 4)), null);
});

test("a body that does not fit is refused and changes nothing", () => {
  for (const body of [[0b0010_0000, 9], [0b1, 9, 9], [0b11, 9]]) {
    const baseline = Uint8Array.of(1, 2, 3);
    assert.throws(() => applyDelta(baseline, Uint8Array.from(body)), { code: "protocol" });
    assert.deepEqual(baseline, Uint8Array.of(1, 2, 3));
  }
});
