/** What the net graph says in words, and how much of a page's budget it takes. How it looks: tests/browser. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rowsOf } from "../src/netgraph/rows.ts";
import type { Stats } from "../src/stats.ts";

const stats: Stats = {
  ticksPerSecond: 30, bytesInPerSecond: 4_210, bytesOutPerSecond: 812, bytesIn: 1, bytesOut: 1, roundTripMs: 41.6, stateAgeMs: 8.4,
  ownStateAgeMs: null, tickJitterMs: null, interpolationDelayMs: 52, divisor: 2, ticks: 10, keyframes: 1, skippedTicks: 7, badStates: 0,
  phaseMarginMs: 3, unconfirmedEvents: 0, reconnects: 0, lastReconnect: null,
};

test("each number stands beside its name", () => {
  assert.deepEqual(Object.fromEntries(rowsOf(stats, 0)), {
    "round trip": "42 ms", "state age": "8.4 ms", "tick jitter": "–", "interpolation": "52 ms", in: "4.2 kB/s", out: "812 B/s",
    "skipped ticks": "7", divisor: "2", reconnect: "none",
  });
});

test("the last reconnect says how long ago it was and how long it took", () => {
  const said = (agoMs: number): string | undefined => rowsOf({ ...stats, lastReconnect: { at: 1_000, ms: 1_840, recovered: true } }, 1_000 + agoMs).at(-1)?.[1];
  assert.equal(said(4_200), "4 s ago, took 1.8 s");
  assert.equal(said(600_000), "10 min ago, took 1.8 s");
  assert.equal(said(7_200_000), "2 h ago, took 1.8 s");
});

test("the whole entry is under 5 KB of gzip, and nothing of the core is in it", () => {
  const entry = fileURLToPath(new URL("../src/netgraph/index.ts", import.meta.url));
  const bundle = execFileSync("esbuild", [entry, "--bundle", "--minify", "--format=esm", "--target=es2022"]);
  const size = gzipSync(bundle, { level: 9 }).length;
  assert.ok(size < 5_000, `${size} bytes`);
  assert.ok(!bundle.includes("WebSocket"));
});
