/** The package in Firefox against the real relay: join, ticks both ways, a cut that heals. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "puppeteer-core";
import type * as Tickwire from "../../../clients/typescript/src/index.ts";
import { Relay } from "../../integration/relay.ts";
import { servePackage } from "../package_page.ts";
import { startProxy } from "../proxy.ts";
import { startFirefox } from "./firefox.ts";

declare global {
  interface Window {
    tickwire: typeof Tickwire;
    match: Tickwire.Match<{ x: number }>;
    seen: { ticks: number; values: number[]; events: string[] };
  }
}

let relay: Relay;
let firefox: Browser;
let site: Awaited<ReturnType<typeof servePackage>>;

before(async () => {
  relay = await Relay.start("--listen", "127.0.0.1:0");
  [firefox, site] = await Promise.all([startFirefox(), servePackage()]);
});
after(async () => {
  await firefox?.close();
  await site?.stop();
  await relay?.finish();
});

/** A page that has joined and counts what it hears. */
async function player(url: string): Promise<Page> {
  // A window each: of the tabs of one window all but one are hidden, and their timers sleep.
  const page = await firefox.newPage({ type: "window" });
  await page.goto(site.url);
  await page.waitForFunction(() => window.tickwire !== undefined);
  await page.evaluate(async (address) => {
    const { join, schema, f32 } = window.tickwire;
    window.seen = { ticks: 0, values: [], events: [] };
    window.match = await join(address, { schema: schema({ x: f32 }), backoff: { baseMs: 50, capMs: 500 } });
    window.match.on("tick", ({ states }) => {
      window.seen.ticks += 1;
      for (const [from, { value }] of states) if (from !== window.match.player) window.seen.values.push(value.x);
    });
    window.match.on("event", ({ data }) => window.seen.events.push(String(data)));
  }, url);
  return page;
}

test("two pages join, and hear each other's states and events", async () => {
  const url = `${relay.url()}/v1/match/firefox`;
  const ann = await player(url);
  const bo = await player(url);
  await ann.evaluate(() => {
    let x = 0;
    setInterval(() => window.match.state({ x: (x += 1) }), 10);
    window.match.send("hello");
  });
  await bo.waitForFunction(() => window.seen.ticks >= 30 && window.seen.values.length >= 30 && window.seen.events[0] === "hello");
  const values = await bo.evaluate(() => window.seen.values);
  assert.ok(values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0)), `not rising: ${values.join()}`);
  await ann.close();
  await bo.close();
});

test("a cut heals: the same player, no event lost or doubled", async () => {
  const proxy = await startProxy(Number(new URL(relay.url()).port));
  const ann = await player(`${relay.url()}/v1/match/firefox-cut`);
  const bo = await player(`ws://127.0.0.1:${proxy.port}/v1/match/firefox-cut`);
  const before = await bo.evaluate(() => window.match.player);
  for (const page of [ann, bo]) assert.equal(await page.evaluate(() => document.visibilityState), "visible");
  const talk = (page: Page): Promise<void> =>
    page.evaluate(() => {
      let said = 0;
      const timer = setInterval(() => {
        window.match.send(String(said++));
        if (said === 100) clearInterval(timer);
      }, 20);
    });
  await Promise.all([talk(ann), talk(bo)]);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.ok(proxy.cut() > 0);
  for (const page of [ann, bo]) await page.waitForFunction(() => window.seen.events.length >= 100, { timeout: 60_000 });
  const after = await bo.evaluate(() => ({ player: window.match.player, status: window.match.status, stats: window.match.stats }));
  assert.equal(after.player, before);
  assert.equal(after.status, "connected");
  assert.equal(after.stats.lastReconnect?.recovered, true);
  const all = Array.from({ length: 100 }, (_, index) => String(index));
  for (const page of [ann, bo]) assert.deepEqual(await page.evaluate(() => window.seen.events), all);
  await ann.close();
  await bo.close();
  await proxy.stop();
});
