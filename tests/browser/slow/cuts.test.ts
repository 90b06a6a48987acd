/**
 * A page behind a link that is cut, again and again, at moments that nobody chose: in the middle of
 * play, of a handshake, of a resume. It stays the same player, and of the events that both sides send all
 * the while none is lost and none comes twice. (Cuts that last are in hidden.test.ts: both wait most of the time.)
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stage } from "../stage.ts";
import { sleep } from "../wait.ts";
import { healed, withScene } from "./scene.ts";

/** Two cuts in three come while the page is still healing from one. */
const shortCuts = 25;
const silenceMs = 3_000;

const on = stage();

test(`${shortCuts} cuts in a row at random moments: the same player, no event lost or doubled`, async () => {
  await withScene(on, "cuts-short", async (scene) => {
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

test("3 s of silence without a reset: nothing is lost, and nobody but the page notices", async () => {
  await withScene(on, "cuts-silent", async (scene) => {
    await sleep(500);
    scene.proxy.stall(silenceMs);
    await sleep(silenceMs + 500);
    await healed(scene, 0, "the link is back");
    assert.deepEqual(scene.other.account().roster.filter((line) => line.startsWith("left")), []);
  });
});
