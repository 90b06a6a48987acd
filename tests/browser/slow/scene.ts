/** A page behind a link that a test cuts, and a member that is not; both talk all the time and keep account. */

import assert from "node:assert/strict";
import { Member } from "../member.ts";
import { MemberPage } from "../member_page.ts";
import { type Proxy, startProxy } from "../proxy.ts";
import type { Stage } from "../stage.ts";
import { waitFor } from "../wait.ts";

const talksPerSecond = 20;
/** Backoff waits at most 5 s between two attempts, and a busy machine takes its time. */
const healMs = 20_000;

export interface Scene {
  page: MemberPage;
  other: Member;
  proxy: Proxy;
  player: number;
}

export async function withScene(on: Stage, match: string, body: (scene: Scene) => Promise<void>): Promise<void> {
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

/** Waits until the page is back, as the same player. Returns how many reconnects it has seen. */
export async function healed({ page, player }: Scene, reconnectsMin: number, what: string): Promise<number> {
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
