/**
 * The arena in real Chromium over `wss`, served by the real relay: ships are seen where they are, go
 * when their page goes, and come back as who they were when only the network went.
 *
 * `TICKWIRE_ALL=1` watches for 30 seconds instead of 4.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, startBrowser } from "./browser.ts";
import { Canary } from "./canary.ts";
import { type Demo, record, until } from "./demo.ts";
import { startProxy } from "./proxy.ts";
import { type Relay, startRelay } from "./relay.ts";
import type { Page } from "./tools.ts";

const watchMs = process.env["TICKWIRE_ALL"] === "1" ? 30_000 : 4_000;
const ticksMax = 3;
/** What the curve between two states may miss by: less than a tenth of a ship, and 20 ms at the speed of an idle pilot. */
const toleranceUnits = 3;
const frameMs = 1_000 / 60;
/** How often a busy machine gets another chance. */
const roundsMax = 8;
const missShareMax = 0.05;

let relay: Relay;
let browser: Browser;

before(async () => {
  relay = await startRelay();
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  await relay?.stop();
});

const address = (match: string, port = relay.wssPort): string => `https://127.0.0.1:${port}/?match=${match}`;
const sees = (player: number | null) => (demo: Demo): boolean => demo.others[String(player)] !== undefined;

test("two pages see each other's ships where they are, within 3 ticks", async () => {
  const a = await browser.open(address("pair"));
  const b = await browser.open(address("pair"));
  const { player: playerA } = await until(a, "a joined", ({ status }) => status === "connected");
  const { player: playerB } = await until(b, "b sees a", sees(playerA));
  await until(a, "a sees b", sees(playerB));
  await a.waitForTimeout(1_000);
  // 60 frames a second, of which a third must count.
  await checkBoth(a, b, { a: playerA, b: playerB }, watchMs, watchMs / 50);
  await a.close();
  await b.close();
  assert.deepEqual(browser.errors, []);
});

test("a page that is closed vanishes from the other", async () => {
  const a = await browser.open(address("close"));
  const b = await browser.open(address("close"));
  const { player } = await until(b, "b joined", ({ status }) => status === "connected");
  await until(a, "a sees b", sees(player));
  await b.close();
  await until(a, "b is gone", (demo) => !sees(player)(demo));
  await a.waitForFunction(() => document.querySelectorAll("#pilots li").length === 1);
  await a.close();
});

test("a page whose connection is cut comes back as the same player", async () => {
  const proxy = await startProxy(relay.wssPort);
  try {
    const a = await browser.open(address("cut"));
    const b = await browser.open(address("cut", proxy.port));
    const joinedA = await until(a, "a joined", ({ status }) => status === "connected");
    const { player, own } = await until(b, "b joined", ({ status }) => status === "connected");
    await until(a, "a sees b", sees(player));
    assert.ok(proxy.cut() > 0);
    const back = await until(b, "b is back", ({ status, stats }) => status === "connected" && (stats?.reconnects ?? 0) >= 1, 20_000);
    assert.equal(back.player, player);
    assert.equal(back.own.life, own.life);
    await until(a, "a sees b in full", ({ others }) => others[String(player)]?.presence === 1);
    await checkBoth(a, b, { a: joinedA.player, b: player }, 1_500, 20);
    await a.close();
    await b.close();
  } finally {
    await proxy.stop();
  }
});

/**
 * Watches both pages until `framesMin` frames of each tell something, and checks them both ways.
 *
 * A moment at which a page missed frames, or a timer in this process came late, says something of
 * the machine and nothing of the relay, and does not count.
 */
async function checkBoth(a: Page, b: Page, players: { a: number | null; b: number | null }, ms: number, framesMin: number): Promise<void> {
  const canary = new Canary();
  const aOfB = { counted: 0, misses: [] as string[] };
  const bOfA = { counted: 0, misses: [] as string[] };
  try {
    for (let round = 0; round < roundsMax && Math.min(aOfB.counted, bOfA.counted) < framesMin; round += 1) {
      const [framesA, framesB] = await Promise.all([record(a, ms), record(b, ms)]);
      checkSeen(framesB, framesA, players.b, canary, aOfB);
      checkSeen(framesA, framesB, players.a, canary, bOfA);
    }
  } finally {
    canary.stop();
  }
  for (const { counted, misses } of [aOfB, bOfA]) {
    assert.ok(counted >= framesMin, `the machine is too busy: only ${counted} frames count`);
    // A process can be held up without either sign above: at a load of 20 on two cores 1.4 % missed,
    // while a demo that draws 100 ms late misses 60 %.
    assert.ok(misses.length <= counted * missShareMax, `not where it was in the last ${ticksMax} ticks, ${misses.length} of ${counted} times: ${misses.slice(0, 5).join(", ")}`);
  }
}

/**
 * Each time that `viewer` drew the ship, `pilot` had it there at some moment of the last 3 ticks. The
 * ship must have moved by much more than the tolerance, or this would prove nothing.
 */
function checkSeen(pilot: readonly Demo[], viewer: readonly Demo[], player: number | null, canary: Canary, sum: { counted: number; misses: string[] }): void {
  const windowMs = (ticksMax * 1_000) / (pilot[0]?.tickHz ?? 30);
  for (const { at, others } of viewer) {
    const from = at - windowMs;
    // The pilot's frames must cover the whole window.
    if ((pilot[0]?.at ?? Infinity) > from || (pilot.at(-1)?.at ?? 0) < at + frameMs) continue;
    const seen = others[String(player)];
    assert.ok(seen !== undefined, "the ship is not drawn");
    if (starved(pilot, from, at) || starved(viewer, from, at) || canary.wasBusy(from - windowMs, at)) continue;
    sum.counted += 1;
    const distance = distanceToPath(seen, between(pilot, from, at + frameMs));
    if (distance > toleranceUnits) sum.misses.push(`${distance.toFixed(1)} units`);
  }
  let travelled = 0;
  for (const [index, { own }] of pilot.entries()) {
    const next = pilot[index + 1]?.own;
    if (next !== undefined) travelled += Math.hypot(next.x - own.x, next.y - own.y);
  }
  assert.ok(travelled > toleranceUnits * 5, `the ship moved only ${travelled.toFixed(0)} units`);
}

/** Whether a page missed frames in that time. */
function starved(frames: readonly Demo[], from: number, to: number): boolean {
  const inside = between(frames, from, to);
  return inside.some(({ at }, index) => at - (inside[index - 1]?.at ?? at) > 3.5 * frameMs);
}

/** The frames of that time, and the one before it. */
function between(frames: readonly Demo[], from: number, to: number): Demo[] {
  return frames.filter(({ at }, index) => (frames[index + 1]?.at ?? Infinity) >= from && at <= to);
}

/** From the point to the nearest place on the line through the frames' own positions. */
function distanceToPath({ x, y }: { x: number; y: number }, path: readonly Demo[]): number {
  let nearest = Infinity;
  for (const [index, { own: from }] of path.entries()) {
    const to = path[index + 1]?.own ?? from;
    const length2 = (to.x - from.x) ** 2 + (to.y - from.y) ** 2;
    const share = length2 === 0 ? 0 : ((x - from.x) * (to.x - from.x) + (y - from.y) * (to.y - from.y)) / length2;
    const along = Math.max(0, Math.min(1, share));
    nearest = Math.min(nearest, Math.hypot(x - from.x - (to.x - from.x) * along, y - from.y - (to.y - from.y) * along));
  }
  return nearest;
}
