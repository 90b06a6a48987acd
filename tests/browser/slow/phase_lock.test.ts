/**
 * The witness in a browser: phase lock in Chromium, whose timers and sockets are not Node's.
 *
 * One page holds senders and receiver, and so one clock. Two runs, one after the other; a busy machine
 * gets more.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type * as Tickwire from "../../../clients/typescript/src/index.ts";
import { withRelay } from "../../integration/relay.ts";
import { type Browser, startBrowser } from "../browser.ts";
import { servePackage } from "../package_page.ts";

const shareMax = 0.4;
const roundsMax = 5;
const tickHz = 30;

let browser: Browser;
let site: Awaited<ReturnType<typeof servePackage>>;
before(async () => {
  [browser, site] = await Promise.all([startBrowser(), servePackage()]);
});
after(async () => {
  await browser?.stop();
  await site?.stop();
});

/** The median age, in the page, of states from eight senders that begin at moments spread over the interval. */
async function medianAge({ url, hz, phaseLock }: { url: string; hz: number; phaseLock: boolean }): Promise<number> {
  const { join } = (window as unknown as { tickwire: typeof Tickwire }).tickwire;
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const receiver = await join(url);
  const senders: Tickwire.Match[] = [];
  const timers: ReturnType<typeof setInterval>[] = [];
  for (let index = 0; index < 8; index += 1) {
    const match = await join(url, { phaseLock });
    senders.push(match);
    await sleep(1_000 / hz + (1_000 / hz) * (index / 8) - (performance.now() % (1_000 / hz)));
    timers.push(setInterval(() => match.state(new Uint8Array(Float64Array.of(performance.now()).buffer)), 4));
  }
  await sleep(2_000);
  const ages: number[] = [];
  receiver.on("tick", ({ keyframe, states }) => {
    if (keyframe) return;
    for (const { bytes } of states.values()) ages.push(performance.now() - (new Float64Array(bytes.slice().buffer)[0] ?? 0));
  });
  await sleep(4_000);
  for (const timer of timers) clearInterval(timer);
  for (const match of [receiver, ...senders]) match.leave();
  return ages.sort((a, b) => a - b)[Math.floor(ages.length / 2)] ?? NaN;
}

test(`in Chromium the median age at ${tickHz} Hz is at most ${shareMax * 100} % of what it is without`, async (context) => {
  await withRelay(["--listen", "127.0.0.1:0", "--tick-hz", String(tickHz)], async (relay) => {
    const page = await browser.open(site.url);
    await page.waitForFunction(() => "tickwire" in window);
    const shares: string[] = [];
    for (let round = 0; round < roundsMax; round += 1) {
      const url = `${relay.url()}/v1/match/chromium-${round}`;
      const off = await page.evaluate(medianAge, { url: `${url}-off`, hz: tickHz, phaseLock: false });
      const on = await page.evaluate(medianAge, { url: `${url}-on`, hz: tickHz, phaseLock: true });
      context.diagnostic(`off ${off.toFixed(1)} ms, on ${on.toFixed(1)} ms, ${((100 * on) / off).toFixed(0)} %`);
      if (on <= shareMax * off) return;
      shares.push((on / off).toFixed(2));
    }
    assert.fail(`never at most ${shareMax}: ${shares.join(", ")}`);
  });
});
