/**
 * The example pages in real Chromium, served by the real relay: each shows what it is there to show, to two
 * pages at least. The arena has a file of its own.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stage } from "./stage.ts";
import { type Page, WsClient } from "./tools.ts";
import { waitFor } from "./wait.ts";

const timeoutMs = 15_000;
const goalMs = 60_000;

const on = stage();

const address = (path: string): string => `https://127.0.0.1:${on.relay.wssPort}${path}`;

async function open(path: string): Promise<Page> {
  const page = await on.browser.open(address(path));
  page.setDefaultTimeout(timeoutMs);
  return page;
}

async function closeAll(...pages: Page[]): Promise<void> {
  for (const page of pages) await page.close();
  assert.deepEqual(on.browser.errors.splice(0), []);
}

test("the gallery leads to each example, alone and side by side", async () => {
  const gallery = await open("/examples/");
  const links = await gallery.$$eval("main a", (anchors) => anchors.map((anchor) => (anchor as HTMLAnchorElement).href));
  const paths = new Set(links.map((link) => new URL(link).pathname + new URL(link).search));
  for (const path of ["/", "/cursors/", "/ball/", "/chat/", "/pair/?of=arena", "/pair/?of=cursors", "/pair/?of=ball", "/pair/?of=chat"]) {
    assert.ok(paths.delete(path), `no link to ${path}`);
    const response = await gallery.request.get(address(path));
    assert.equal(response.status(), 200, path);
  }
  assert.deepEqual([...paths], []);
  // As people type it.
  await gallery.goto(address("/cursors"));
  await gallery.waitForSelector("[data-status=connected]");
  await closeAll(gallery);
});

test("cursors: two pages see each other's pointers where they are, and clicks as ripples", async () => {
  const [a, b] = [await open("/cursors/?match=c&name=Ann"), await open("/cursors/?match=c&name=Bo")];
  await b.waitForSelector("#count:text('2 people')");
  await a.mouse.move(300, 200);
  await a.mouse.move(450, 150);
  await b.waitForSelector(".cursor:has-text('Ann')");
  // Shares of a window that is 900 × 600 in both.
  const place = await waitFor("the pointer arrives", timeoutMs, () => b.$eval(".cursor", (cursor) => {
    const { left, top } = cursor.getBoundingClientRect();
    return { left, top };
  }), ({ left, top }) => Math.hypot(left - 450, top - 150) < 1.5);
  assert.ok(place);
  const rippled = b.waitForSelector(".ripple", { state: "attached" });
  await a.mouse.down();
  await a.mouse.up();
  await rippled;
  await a.close();
  await b.waitForSelector(".cursor", { state: "detached" });
  await b.waitForSelector("#count:text('Only you')");
  await closeAll(b);
});

test("cursors: what is no cursor disturbs nobody", async () => {
  const page = await open("/cursors/?match=c-odd");
  await page.waitForSelector("[data-status=connected]");
  const odd = new WsClient(`ws://127.0.0.1:${on.relay.wsPort}/v1/match/c-odd`);
  await new Promise((resolve) => odd.once("open", resolve));
  odd.send("not a place");
  odd.send(Buffer.from([1, 2, 3]));
  // In the middle: two shares in 16 bits each.
  odd.send(Buffer.from([0xff, 0x7f, 0xff, 0x7f]));
  await page.waitForSelector(".ripple", { state: "attached" });
  odd.close();
  await closeAll(page);
});

test("cursors: who is not let in is told so", async () => {
  const page = await open(`/cursors/?match=${"x".repeat(65)}`);
  await page.waitForSelector("[data-status=closed]");
  await closeAll(page);
});

test("pages are as dark as the visitor likes them, and the arena always", async () => {
  for (const [path, lights] of [["/cursors/", [false, true]], ["/chat/", [false, true]], ["/ball/", [false, true]], ["/examples/", [false, true]], ["/", [false, false]]] as const) {
    const page = await open(path);
    const light: boolean[] = [];
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      // What is not painted shows the canvas of the colour scheme.
      light.push(await page.evaluate(() => {
        const painted = [document.body, document.documentElement].map((element) => getComputedStyle(element).backgroundColor).find((colour) => !colour.startsWith("rgba(0, 0, 0, 0"));
        const [red = 0, green = 0, blue = 0] = (painted ?? "").match(/\d+/g)?.map(Number) ?? [];
        return red + green + blue > 3 * 128;
      }));
    }
    assert.deepEqual(light, lights, path);
    await closeAll(page);
  }
});

test("each of the two that can shows its own source", async () => {
  for (const [path, words] of [["/cursors/?match=code", "match.state("], ["/chat/?match=code", "new WebSocket("]] as const) {
    const page = await open(path);
    await page.click("[data-action=code]");
    const source = await page.textContent(".code-drawer pre");
    assert.ok(source?.includes(words), path);
    const lines = source!.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("//")).length;
    assert.ok(lines <= 34, `${path}: ${lines} lines`);
    await closeAll(page);
  }
});

test("chat: what one says everyone reads, in order, and the plain lane's other clients too", async () => {
  const [a, b] = [await open("/chat/?match=talk&name=Ann"), await open("/chat/?match=talk&name=Bo")];
  for (const page of [a, b]) await page.waitForSelector("[data-status=connected]");
  const tutorial = new WsClient(`ws://127.0.0.1:${on.relay.wsPort}/v1/match/talk`);
  const heard: string[] = [];
  tutorial.on("message", (data: Buffer) => heard.push(data.toString()));
  await new Promise((resolve) => tutorial.once("open", resolve));
  for (const words of ["Hello", "<b>Is</b> anybody here?"]) {
    await a.fill("form input", words);
    await a.press("form input", "Enter");
  }
  await b.waitForSelector("li:nth-child(2)");
  await b.fill("form input", "I am.");
  await b.click("form button");
  await a.waitForSelector("li:nth-child(3)");
  tutorial.send("five lines of my own");
  for (const [page, own] of [[a, [true, true, false, false]], [b, [false, false, true, false]]] as const) {
    await page.waitForSelector("li:nth-child(4)");
    assert.deepEqual(await page.$$eval("li p", (lines) => lines.map((line) => line.textContent)), ["Hello", "<b>Is</b> anybody here?", "I am.", "five lines of my own"]);
    assert.deepEqual(await page.$$eval("li", (items) => items.map((item) => item.classList.contains("own"))), own);
  }
  assert.equal(await b.textContent("li .head b"), "Ann");
  assert.equal((JSON.parse(heard[0] ?? "{}") as { text: string }).text, "Hello");
  tutorial.close();
  await closeAll(a, b);
});

interface Ball {
  status: string;
  player: number;
  host: number | null;
  isHost: boolean;
  migrations: number;
  goals: number;
  ball: { x: number; y: number; vx: number; vy: number };
  discs: { player: number; x: number; y: number }[];
  score: [number, number];
}

const ballOf = (page: Page): Promise<Ball | null> => page.evaluate(() => (window as unknown as { tickwireBall?: Ball }).tickwireBall ?? null);

function untilBall(page: Page, what: string, condition: (ball: Ball) => boolean): Promise<Ball | null> {
  return waitFor(what, timeoutMs, () => ballOf(page), (ball) => ball !== null && condition(ball));
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Puts the pointer, and so the disc, at a place of the field. The canvas fills the width; see `view.ts`. */
async function moveDisc(page: Page, x: number, y: number): Promise<void> {
  const box = await page.locator("canvas").boundingBox();
  assert.ok(box !== null);
  const scale = Math.min(box.width / (1_200 + 92), box.height / (720 + 92));
  await page.mouse.move(box.x + box.width / 2 + (x - 600) * scale, box.y + box.height / 2 + (y - 360) * scale);
}

/** Puts the disc at a place and waits until it is there: it has a top speed, and who aims from afar misses. */
async function standAt(page: Page, x: number, y: number): Promise<void> {
  await moveDisc(page, x, y);
  await untilBall(page, `the disc stands at ${Math.round(x)}, ${Math.round(y)}`, ({ discs, player }) => {
    const own = discs.find((disc) => disc.player === player);
    return own !== undefined && Math.hypot(own.x - x, own.y - y) < 15;
  });
}

test("ball: the host's page moves the ball for everyone; when it closes, another goes on", async () => {
  const [a, b, c] = [await open("/ball/?match=ball&name=Ann"), await open("/ball/?match=ball&name=Bo"), await open("/ball/?match=ball&name=Cleo")];
  for (const page of [a, b, c]) await untilBall(page, "three discs", ({ discs }) => discs.length === 3);
  assert.deepEqual(await Promise.all([a, b, c].map(async (page) => (await ballOf(page))?.isHost)), [true, false, false]);
  assert.equal(await b.textContent("#host"), "Ann's page runs the ball");
  // Ann kicks downwards: between the walls there is no goal for the ball to vanish into.
  await standAt(a, 600, 160);
  await moveDisc(a, 600, 400);
  for (const page of [a, b, c]) await untilBall(page, "the ball rolls", ({ ball }) => Math.hypot(ball.x - 600, ball.y - 360) > 40);
  await moveDisc(a, 300, 120);
  // At rest, or nearly, it is at one place for all of them.
  const isStill = (on: Ball | null): boolean => on !== null && Math.hypot(on.ball.vx, on.ball.vy) < 25;
  const [onA] = await waitFor("the ball lies still, at one place for both", timeoutMs, () => Promise.all([ballOf(a), ballOf(b)]), ([onA, onB]) =>
    isStill(onA) && isStill(onB) && Math.hypot(onA!.ball.x - onB!.ball.x, onA!.ball.y - onB!.ball.y) < 12);

  await a.close();
  const [afterB, afterC] = [await untilBall(b, "somebody is host", ({ host }) => host !== onA?.player), await untilBall(c, "somebody is host", ({ host }) => host !== onA?.player)];
  assert.equal(afterB!.host, afterC!.host);
  assert.equal(Number(afterB!.isHost) + Number(afterC!.isHost), 1);
  // The ball is where the old host left it, and the new one's page moves it on.
  assert.ok(Math.hypot(afterB!.ball.x - onA!.ball.x, afterB!.ball.y - onA!.ball.y) < 60, JSON.stringify([onA?.ball, afterB?.ball]));
  const [host, other] = afterB!.isHost ? [b, c] : [c, b];
  assert.equal(await host.textContent("#host"), "Your page runs the ball");
  assert.match((await other.textContent("#host")) ?? "", /^(Bo|Cleo)'s page runs the ball$/);
  const still = (await ballOf(host))!.ball;
  // Towards the middle, from where there is room for a disc between ball and wall.
  const inwards = (at: number, size: number): number => (Math.min(at, size - at) < 220 ? 0 : at < size / 2 ? 1 : -1);
  const x = inwards(still.x, 1_200);
  const y = x === 0 ? inwards(still.y, 720) : 0;
  await standAt(host, still.x - x * 200, still.y - y * 200);
  await moveDisc(host, still.x + x * 60, still.y + y * 60);
  await untilBall(other, "the new host's kick arrives", ({ ball }) => Math.hypot(ball.x - still.x, ball.y - still.y) > 40);
  await closeAll(b, c);
});

test("ball: a goal counts once, for everyone, and outlives the page that counted it", async () => {
  const [a, b] = [await open("/ball/?match=goal&name=Ann"), await open("/ball/?match=goal&name=Bo")];
  for (const page of [a, b]) await untilBall(page, "two discs", ({ discs }) => discs.length === 2);
  // Bo out of the way; Ann lines up behind the ball and runs it into the right goal, as often as it takes.
  await moveDisc(b, 900, 80);
  const deadline = Date.now() + goalMs;
  while ((await ballOf(a))!.score.join() === "0,0" && Date.now() < deadline) {
    const { x, y } = (await ballOf(a))!.ball;
    const away = Math.hypot(1_200 - x, 360 - y);
    const [behindX, behindY] = [clamp(x - ((1_200 - x) / away) * 140, 40, 1_160), clamp(y - ((360 - y) / away) * 140, 40, 680)];
    await moveDisc(a, behindX, behindY);
    await a.waitForTimeout(900);
    await moveDisc(a, 1_160, 360);
    await a.waitForTimeout(1_500);
  }
  const scored = await untilBall(a, "a goal", ({ score }) => score[0] + score[1] === 1);
  await untilBall(b, "the goal is known", ({ score }) => score.join() === scored?.score.join());
  assert.equal(await b.textContent("#score-0"), String(scored?.score[0]));
  // Each page runs the ball, and each sees it cross the line; the host alone says so.
  await b.waitForTimeout(300);
  assert.deepEqual([(await ballOf(a))?.goals, (await ballOf(b))?.goals], [1, 1]);
  await a.close();
  const after = await untilBall(b, "Bo is host", ({ isHost }) => isHost);
  assert.deepEqual(after?.score, scored?.score);
  await closeAll(b);
});

test("side by side: two frames of one page see each other, and one of them can be closed", async () => {
  const page = await open("/pair/?of=ball&match=pair");
  const frames = await waitFor("two frames", timeoutMs, () => page.frames().slice(1), (found) => found.length === 2);
  const ask = (index: number): Promise<Ball | null> => frames[index]!.evaluate(() => (window as unknown as { tickwireBall?: Ball }).tickwireBall ?? null);
  for (const index of [0, 1]) await waitFor("they see each other", timeoutMs, () => ask(index), (ball) => ball?.discs.length === 2);
  const host = (await ask(0))?.isHost === true ? 0 : 1;
  await page.locator("section").nth(host).getByRole("button", { name: "Close" }).click();
  const last = page.frames().at(-1)!;
  await waitFor("the other goes on", timeoutMs, () => last.evaluate(() => (window as unknown as { tickwireBall?: Ball }).tickwireBall ?? null), (ball) => ball?.isHost === true);
  await closeAll(page);
});
