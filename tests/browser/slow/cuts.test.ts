/**
 * A page behind a link that is cut, again and again, at moments that nobody chose: in the middle of
 * play, of a handshake, of a resume. It stays the same player, and of the events that both sides send all
 * the while none is lost and none comes twice.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Member } from "../member.ts";
import { MemberPage } from "../member_page.ts";
import { type Proxy, startProxy } from "../proxy.ts";
import { stage } from "../stage.ts";
import { sleep, waitFor } from "../wait.ts";

/** Two cuts in three come while the page is still healing from one. */
const shortCuts = 50;
const longCuts = 3;
const longCutMs = 3_000;
const talksPerSecond = 20;
/** Backoff waits at most 5 s between two attempts, and a busy machine takes its time. */
const healMs = 20_000;

const on = stage();

interface Scene {
  page: MemberPage;
  other: Member;
  proxy: Proxy;
  player: number;
}

/** A page behind a proxy and a member that is not; both talk all the time. */
async function withScene(match: string, body: (scene: Scene) => Promise<void>): Promise<void> {
  const proxy = await startProxy(on.relay.wssPort);
  const other = await Member.join(`ws://127.0.0.1:${on.relay.wsPort}/v1/match/${match}`, "other");
  try {
    const page = await MemberPage.open(on, match, "page", proxy.port);
    const { player } = await page.pulse();
    other.talks(talksPerSecond);
    other.moves(30);
    await page.call("talks", talksPerSecond);
    await page.call("moves", 30);
    await body({ page, other, proxy, player });
    await checkAccounts(page, other, player);
    await page.close();
  } finally {
    other.leave();
    await proxy.stop();
  }
}

async function healed({ page, player }: Scene, reconnectsMin: number, what: string): Promise<number> {
  const { reconnects } = await waitFor(what, healMs, () => page.pulse(), ({ status, reconnects }) => status === "connected" && reconnects >= reconnectsMin);
  assert.equal((await page.pulse()).player, player, what);
  return reconnects;
}

/** Both stop talking; then each has heard all that the other said, in order, once. */
async function checkAccounts(page: MemberPage, other: Member, player: number): Promise<void> {
  await page.call("stop", "talks");
  other.stop("talks");
  const complete = async () => ({ inside: await page.account(), outside: other.account() });
  const { inside, outside } = await waitFor("every event has arrived", healMs, complete, ({ inside, outside }) =>
    (inside.heard[outside.player]?.length ?? 0) >= outside.sent && (outside.heard[player]?.length ?? 0) >= inside.sent);
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  assert.deepEqual(outside.heard[player], upTo(inside.sent), "what the page said");
  assert.deepEqual(inside.heard[outside.player], upTo(outside.sent), "what the page heard");
  assert.ok(inside.sent > 20 && outside.sent > 20, "there was little to lose");
  assert.deepEqual(inside.errors, []);
  assert.deepEqual(outside.errors, []);
  assert.deepEqual(outside.roster.filter((line) => !/^(joined|away|back) /.test(line) && !line.startsWith("host")), [], "the page stayed a player");
}

test(`${shortCuts} cuts in a row at random moments: the same player, no event lost or doubled`, async () => {
  await withScene("cuts-short", async (scene) => {
    // So that a handshake takes a while, and many a cut falls into one.
    scene.proxy.shape({ latencyMs: 10, jitterMs: 30 });
    let reconnects = 0;
    for (let cuts = 0; cuts < shortCuts; ) {
      await sleep(Math.random() * 400);
      // Nothing to cut: the last of the cuts before came so late that the page had healed and did not know yet.
      if (scene.proxy.cut() === 0) continue;
      // Again, wherever the healing is by then: waiting, in the handshake, joining, resumed.
      for (let again = 0; again < cuts % 3; again += 1) {
        await sleep(Math.random() * 250);
        scene.proxy.cut();
      }
      cuts += 1;
      reconnects = await healed(scene, reconnects + 1, `cut ${cuts} heals`);
    }
  });
});

test(`${longCuts} cuts of ${longCutMs / 1_000} s: the same player, no event lost or doubled`, async () => {
  await withScene("cuts-long", async (scene) => {
    for (let index = 0; index < longCuts; index += 1) {
      assert.ok(scene.proxy.cut(longCutMs) > 0, `cut ${index} hit nothing`);
      await waitFor("the page notices", healMs, () => scene.page.pulse(), ({ status }) => status === "reconnecting");
      await sleep(longCutMs);
      await healed(scene, index + 1, `cut ${index} heals`);
      await sleep(Math.random() * 500);
    }
  });
});

test("3 s of silence without a reset: nothing is lost, and nobody but the page notices", async () => {
  await withScene("cuts-silent", async (scene) => {
    await sleep(500);
    scene.proxy.stall(longCutMs);
    await sleep(longCutMs + 500);
    await healed(scene, 0, "the link is back");
    assert.deepEqual(scene.other.account().roster.filter((line) => line.startsWith("left")), []);
  });
});
