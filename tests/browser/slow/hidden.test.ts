/**
 * What takes minutes of waiting, side by side: a page that is really hidden, and one whose link is cut for seconds
 * again and again.
 *
 * A page that is really hidden: its window is minimised, and the browser throttles its timers to one a
 * minute. It is not dropped, misses no event, and is fresh as soon as it shows again.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Browser, startBrowser } from "../browser.ts";
import { Canary } from "../canary.ts";
import { Member } from "../member.ts";
import { MemberPage } from "../member_page.ts";
import { type Relay, startRelay } from "../relay.ts";
import { sleep, waitFor } from "../wait.ts";
import { HeadedChromium, type HeadedPage } from "./headed.ts";
import { healed, withScene } from "./scene.ts";

/** Ten seconds of grace instead of five minutes, then one wake-up a minute. Now and then it takes the browser a minute. */
const throttle = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10";
const hiddenMs = 180_000;
const hiddenMsMax = 300_000;
/** For so long before it shows again the page must have been throttled in earnest. */
const throttledMs = 120_000;
const freshTicks = 2;
const showings = 5;
/** A window that is shown may flicker: each time that it says so counts. */
const judgedMin = 3;
const cutCount = 50;
const cutMs = 3_000;

let relay: Relay;
let browser: HeadedChromium;
let headless: Browser;

before(async () => {
  relay = await startRelay();
  browser = await HeadedChromium.start([throttle]);
  headless = await startBrowser();
});

after(async () => {
  await browser?.stop();
  await headless?.stop();
  await relay?.stop();
});

/** In the page: a timer of one second as a witness, and what match time it was when the page was shown. */
const witness = `
  window.beats = [];
  (function beat() { setTimeout(() => { beats.push(performance.now()); beat(); }, 1000); })();
  window.shownAt = [];
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") shownAt.push({ matchMs: member.match.time, at: performance.timeOrigin + performance.now() });
  });
`;

describe("minutes of waiting", { concurrency: true }, () => {
  test(`a hidden page survives ${hiddenMs / 60_000} minutes and is fresh within ${freshTicks} ticks of showing again`, staysHidden);
  test(`${cutCount} cuts of ${cutMs / 1_000} s in a row at random moments: the same player, no event lost or doubled`, isCutForLong);
});

async function staysHidden(): Promise<void> {
  const other = await Member.join(`ws://127.0.0.1:${relay.wsPort}/v1/match/hidden`, "other");
  const canary = new Canary();
  try {
    other.moves(30);
    const tab = await browser.open(`https://127.0.0.1:${relay.wssPort}/examples/`);
    const page = await MemberPage.join((script) => tab.evaluate(script), `wss://127.0.0.1:${relay.wssPort}/v1/match/hidden`, "page");
    await page.call("moves", 30);
    other.talks(2);
    await tab.evaluate(witness);
    const { player } = await page.pulse();
    await sleep(2_000);

    await hide(tab);
    const hiddenAt = performance.now();
    await sleep(hiddenMs);
    const beatsLately = `beats.filter((at) => at > performance.now() - ${throttledMs}).length`;
    await waitFor("a timer of 1 s runs at most twice a minute", hiddenMsMax - hiddenMs, async () => {
      await sleep(5_000);
      return (await tab.evaluate(beatsLately)) as number;
    }, (beats) => beats <= (2 * throttledMs) / 60_000);
    const hiddenFor = performance.now() - hiddenAt;
    const hidden = await page.account();
    const ticks = hidden.ticks.filter(({ at }) => at > performance.timeOrigin + performance.now() - throttledMs).length;
    // One a second while hidden: not starved, and not at the full rate.
    assert.ok(ticks > throttledMs / 1_000 / 2 && ticks < (throttledMs / 1_000) * 2, `${ticks} ticks in ${throttledMs / 1_000} s`);
    assert.deepEqual([hidden.player, hidden.status, hidden.reconnects, hidden.errors], [player, "connected", 0, []]);
    assert.equal(await tab.evaluate("document.visibilityState"), "hidden");

    await show(tab);
    await sleep(1_500);
    for (let again = 1; again < showings; again += 1) {
      await hide(tab);
      await sleep(3_000);
      await show(tab);
      await sleep(1_500);
    }
    const shown = (await tab.evaluate("shownAt")) as { matchMs: number; at: number }[];
    const account = await page.account();
    const late = shown.map(({ matchMs, at }) => {
      const first = account.ticks.find((tick) => tick.at > at && tick.ageMs !== null);
      const tickThen = Math.floor((matchMs * 30) / 1_000);
      // Where this process got no turn, the browser's and the relay's may have got none either.
      const judged = !canary.wasBusy(at - 200, (first?.at ?? at) + 20);
      return { ticks: (first?.tick ?? Infinity) - tickThen, ageMs: first?.ageMs ?? Infinity, judged };
    });
    const said = late.map(({ ticks, ageMs, judged }) => `${ticks}, ${ageMs.toFixed(0)} ms${judged ? "" : " (busy)"}`).join("; ");
    console.log(`hidden for ${(hiddenFor / 1_000).toFixed(0)} s; ticks until fresh, and age: ${said}`);
    assert.ok(late.length >= showings, said);
    const judged = late.filter(({ judged }) => judged);
    assert.ok(judged.length >= judgedMin, `the machine was busy: ${said}`);
    assert.deepEqual(judged.filter(({ ticks }) => ticks > freshTicks), [], said);

    other.stop("talks");
    const { heard } = await waitFor("all that was said has been heard", 5_000, () => page.account(), ({ heard }) => (heard[other.match.player]?.length ?? 0) >= other.account().sent);
    assert.deepEqual(heard[other.match.player], Array.from({ length: other.account().sent }, (_, index) => index));
    assert.deepEqual(other.account().roster.filter((line) => !line.startsWith("joined") && !line.startsWith("host")), [], "the page was never away");
    await page.call("leave");
  } finally {
    canary.stop();
    other.leave();
  }
}

async function isCutForLong(): Promise<void> {
  await withScene({ relay, browser: headless }, "cuts-long", async (scene) => {
    let reconnects = 0;
    for (let cuts = 1; cuts <= cutCount; cuts += 1) {
      await sleep(Math.random() * 500);
      assert.ok(scene.proxy.cut(cutMs) > 0, `cut ${cuts} hit nothing`);
      await waitFor(`the page notices cut ${cuts}`, cutMs, () => scene.page.pulse(), ({ status }) => status === "reconnecting");
      await sleep(cutMs);
      reconnects = await healed(scene, reconnects + 1, `cut ${cuts} heals`);
    }
    assert.ok(reconnects >= cutCount);
  });
}

async function hide(tab: HeadedPage): Promise<void> {
  await tab.minimise();
  await waitFor("the page is hidden", 5_000, () => tab.evaluate("document.visibilityState"), (state) => state === "hidden");
}

async function show(tab: HeadedPage): Promise<void> {
  await tab.show();
  await waitFor("the page is visible", 5_000, () => tab.evaluate("document.visibilityState"), (state) => state === "visible");
}
