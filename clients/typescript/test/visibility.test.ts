// A page that is hidden says so once it stays hidden, and one that shows says so at once.
import assert from "node:assert/strict";
import { test } from "node:test";

const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
Object.assign(globalThis, { document: page });
const { pageVisibility } = await import("../src/visibility.ts");

function turn(state: "visible" | "hidden"): void {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a flicker is not told; staying hidden is, after half a second; showing is told at once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const leaving = new AbortController();
  const told: boolean[] = [];
  pageVisibility.watch(() => told.push(pageVisibility.hidden), leaving.signal);

  turn("hidden");
  context.mock.timers.tick(20);
  turn("visible");
  context.mock.timers.tick(1_000);
  assert.deepEqual(told, [false, false]);

  turn("hidden");
  context.mock.timers.tick(499);
  assert.deepEqual(told, [false, false]);
  context.mock.timers.tick(1);
  assert.deepEqual(told, [false, false, true]);
  turn("visible");
  assert.deepEqual(told, [false, false, true, false]);

  leaving.abort();
  turn("hidden");
  context.mock.timers.tick(1_000);
  assert.equal(told.length, 4);
});
