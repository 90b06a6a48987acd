import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../src/backoff.ts";
import { isFinal } from "../src/close_codes.ts";

test("final and retry codes, known and unknown", () => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4000, 4001, 4002, 4003, 4042, 4099]) assert.equal(isFinal(code), true, String(code));
  for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4100, 4101, 4102, 4103, 4104, 4199, 3000, 4200]) assert.equal(isFinal(code), false, String(code));
});

test("backoff doubles up to its cap, with full jitter", () => {
  const waits = (chance: number): number[] => [0, 1, 2, 3, 4, 5].map((count) => backoffMs(count, { baseMs: 100, capMs: 1_000, random: () => chance }));
  assert.deepEqual(waits(1), [100, 200, 400, 800, 1_000, 1_000]);
  assert.deepEqual(waits(0.5), [50, 100, 200, 400, 500, 500]);
  assert.deepEqual(waits(0), [0, 0, 0, 0, 0, 0]);
});
