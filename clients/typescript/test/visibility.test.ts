// A page that hides or shows says so at once, but for one that hides as soon as it was shown: that is a flicker.
import assert from "node:assert/strict";
import { test } from "node:test";

const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
Object.assign(globalThis, { document: page });
const { pageVisibility } = await import("../src/visibility.ts");

/** At a time in milliseconds. */
function turn(state: "visible" | "hidden", timeStamp: number): void {
  page.visibilityState = state;
  page.dispatchEvent(Object.defineProperty(new Event("visibilitychange"), "timeStamp", { value: timeStamp }));
}

test("hiding and showing are told at once, a flicker is not, and hiding soon after showing is told late", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const leaving = new AbortController();
  const told: boolean[] = [];
  pageVisibility.watch(() => told.push(pageVisibility.hidden), leaving.signal);

  turn("hidden", 10_000);
  assert.deepEqual(told, [true]);
  turn("visible", 20_000);
  assert.deepEqual(told, [true, false]);

  turn("hidden", 20_010);
  turn("visible", 20_030);
  context.mock.timers.tick(1_000);
  assert.deepEqual(told, [true, false, false, false], "never hidden");

  turn("hidden", 20_500);
  context.mock.timers.tick(499);
  assert.equal(told.length, 4);
  context.mock.timers.tick(1);
  assert.deepEqual(told.slice(4), [true]);
  turn("visible", 30_000);
  turn("hidden", 30_500);
  assert.deepEqual(told.slice(5), [false, true], "it was shown for long enough");

  leaving.abort();
  turn("visible", 40_000);
  assert.equal(told.length, 7);
});
