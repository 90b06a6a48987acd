/**
 * Connections that heal, against the real relay through a proxy that resets them: the same player
 * number, and every event once, in order, both ways.
 */

import assert from "node:assert/strict";
import { type TestContext, after, before, test } from "node:test";
import { type Proxy, startProxy } from "../../../../tests/browser/proxy.ts";
import { Relay } from "../../../../tests/integration/relay.ts";
import { type JoinOptions, type Match, Motion, TickwireError, f32, join, schema } from "../../src/index.ts";

const cutCount = 50;
const backoff = { baseMs: 20, capMs: 200 };
/** For what hangs. */
const patienceMs = 60_000;

let relay: Relay;
before(async () => {
  relay = await Relay.start("--listen", "127.0.0.1:0", "--max-players", "8", "--resume-window", "20");
});
after(() => relay.finish());

const url = (match: string, port?: number): string => `${port === undefined ? relay.url() : `ws://127.0.0.1:${port}`}/v1/match/${match}`;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A proxy to the relay, or to another port, that ends with its test, however that ends. */
async function proxied(context: TestContext, port = Number(new URL(relay.url()).port)): Promise<Proxy> {
  const proxy = await startProxy(port);
  context.after(() => proxy.stop());
  return proxy;
}

/** A match that is left with its test. */
async function member(context: TestContext, url: string, options: JoinOptions = {}): Promise<Match> {
  const match = await join(url, options);
  context.after(() => match.leave());
  return match;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !condition(); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
  }
}

/** Numbers its events, and keeps what comes. */
function chatter(match: Match): { sent: number; heard: number[]; say(): void } {
  const told = { sent: 0, heard: [] as number[], say: () => match.send(String(told.sent++), { to: "others" }) };
  match.on("event", ({ data }) => told.heard.push(Number(data)));
  return told;
}

test(`${cutCount} cuts at random moments: the same player, no event lost or doubled, in order`, async (context) => {
  const proxy = await proxied(context);
  const ann = await member(context, url("cuts"));
  const bo = await member(context, url("cuts", proxy.port), { name: "Bo", backoff });
  const number = bo.player;
  await until("Ann sees Bo", () => ann.players.has(number));
  const errors: string[] = [];
  const seen = { joined: 0, left: 0, away: 0, back: 0 };
  for (const match of [ann, bo]) match.on("error", ({ code }) => errors.push(code));
  for (const name of ["joined", "left", "away", "back"] as const) ann.on(name, () => (seen[name] += 1));
  const [a, b] = [chatter(ann), chatter(bo)];
  const talk = setInterval(() => (a.say(), b.say(), bo.state(Uint8Array.of(b.sent & 0xff))), 20);
  context.after(() => clearInterval(talk));
  let cuts = 0;
  while (cuts < cutCount) {
    // Some fall into the handshake of the one before.
    await sleep(Math.random() * 400);
    cuts += Math.min(1, proxy.cut());
  }
  // What Bo says from now on cannot arrive by the connection that was cut last, noticed or not.
  const said = b.sent + 1;
  await until("Bo is heard again", () => a.heard.length > said && bo.status === "connected");
  clearInterval(talk);
  await until("all is heard", () => a.heard.length >= b.sent && b.heard.length >= a.sent);
  await sleep(100);
  assert.deepEqual(errors, []);
  assert.equal(bo.player, number);
  assert.deepEqual(a.heard, Array.from({ length: b.sent }, (_, index) => index));
  assert.deepEqual(b.heard, Array.from({ length: a.sent }, (_, index) => index));
  assert.ok(bo.stats.reconnects >= cutCount / 4, `${bo.stats.reconnects} reconnects`);
  assert.equal(bo.stats.lastReconnect?.recovered, true);
  // A player that is quicker back than anybody looks may be neither; never a second one.
  assert.equal(seen.joined + seen.left, 0);
  assert.equal(seen.away, seen.back);
});

test("requests are answered across a cut, by the player asked", async (context) => {
  const proxy = await proxied(context);
  const host = await member(context, url("requests"));
  const guest = await member(context, url("requests", proxy.port), { backoff });
  host.onRequest(async (data, from) => {
    await sleep(50);
    return `${String(data)} for ${from}`;
  });
  assert.equal(await guest.request("hello"), `hello for ${guest.player}`);
  const answers = [guest.request("one", { to: host.player }), guest.request("two", { to: "host" })];
  proxy.cut();
  answers.push(guest.request("three"));
  assert.deepEqual(await Promise.all(answers), ["one", "two", "three"].map((word) => `${word} for ${guest.player}`));
  await assert.rejects(host.request("?", { to: guest.player, timeout: 100 }), { code: "timeout" });
  await assert.rejects(host.request("?", { to: 7 }), { code: "no_such_player" });
  const aborted = assert.rejects(host.request("?", { to: guest.player, signal: AbortSignal.timeout(50) }), { code: "aborted" });
  await aborted;
  const left = assert.rejects(host.request("?", { to: guest.player }), { code: "no_such_player" });
  guest.leave();
  await left;
});

test("what waits for somebody who left meanwhile is heard by nobody who has the number now", async (context) => {
  const proxy = await proxied(context);
  const host = await member(context, url("stranger"));
  const gone = await member(context, url("stranger"));
  const guest = await member(context, url("stranger", proxy.port), { backoff: { baseMs: 500, random: () => 1 } });
  gone.onRequest(() => new Promise(() => {}));
  const number = gone.player;
  const asked = assert.rejects(guest.request("?", { to: number, timeout: 30_000 }), { code: "no_such_player" });
  await until("it is under way", () => guest.stats.unconfirmedEvents === 0);
  proxy.cut();
  await until("the guest notices", () => guest.status === "reconnecting");
  guest.send("a secret", { to: number });
  guest.send("for the host", { to: host.player });
  gone.leave();
  await until("it is gone", () => !host.players.has(number));
  const stranger = await member(context, url("stranger"), { name: "a stranger" });
  assert.equal(stranger.player, number);
  const heard: string[] = [];
  for (const match of [host, stranger]) match.on("event", ({ data }) => heard.push(`${match.player}: ${String(data)}`));
  await asked;
  await until("the host hears", () => heard.length > 0);
  guest.send("hello", { to: number });
  await until("the stranger hears", () => heard.length > 1);
  assert.deepEqual(heard, [`${host.player}: for the host`, `${number}: hello`]);
});

test("who listens late, or hears welcome and keyframe in one piece, sees those who stand still", async (context) => {
  const Ship = schema({ x: f32 });
  const still = await join(url("late"), { schema: Ship });
  context.after(() => still.leave());
  still.state({ x: 7 });
  await until("it stands", () => still.stats.ticks > 0);
  const late = await join(url("late"), { schema: Ship });
  context.after(() => late.leave());
  await until("the keyframe has passed", () => late.stats.keyframes > 0);
  const motion = new Motion(late);
  await until("the late one draws", () => motion.draw().size === 1);
  // A stall while it joins: in Node the messages of one chunk come before the promise does.
  const seen: number[] = [];
  const inOnePiece: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const proxy = await proxied(context);
    const joining = join(url("late", proxy.port), { schema: Ship });
    await sleep(4 + round);
    proxy.stall(150);
    const match = await joining;
    if (match.stats.keyframes > 0) inOnePiece.push(round);
    match.on("tick", ({ states }) => states.has(still.player) && seen.push(round));
    await until("it is seen", () => seen.includes(round));
    match.leave();
  }
  context.diagnostic(`in one piece: ${inOnePiece.length} of 12`);
});

test("refusals have a code and the close code; nobody there is unreachable", async (context) => {
  const crowd = await Promise.all(Array.from({ length: 8 }, () => member(context, url("full"))));
  await assert.rejects(join(url("full")), (error: unknown) => error instanceof TickwireError && error.code === "refused" && error.closeCode === 4001);
  assert.equal(crowd.length, 8);
  await assert.rejects(join(url("not a name"), { backoff, handshakesMax: 2 }), { code: "unreachable" });
  const proxy = await proxied(context, 1);
  await assert.rejects(join(url("nobody", proxy.port), { backoff, handshakesMax: 3 }), { code: "unreachable" });
  await assert.rejects(join("nonsense"), { code: "bad_argument" });
});

test("a kick ends it, and the others see it", async (context) => {
  const host = await member(context, url("kick"));
  const guest = await member(context, url("kick"), { backoff });
  const over = new Promise<TickwireError | null>((resolve) => guest.on("status", ({ status, error }) => status === "closed" && resolve(error)));
  await host.kick(guest.player, "be nice");
  const error = await over;
  assert.equal(error?.code, "refused");
  assert.equal(error?.closeCode, 4002);
  assert.match(error?.message ?? "", /be nice/);
  assert.throws(() => guest.send("still here?"), { code: "closed" });
  await assert.rejects(guest.request("still here?"), { code: "closed" });
  await assert.rejects(guest.rate(2), { code: "closed" });
});

test("events for which there is no room while away are refused, the others arrive", async (context) => {
  const proxy = await proxied(context);
  const ann = await member(context, url("queue"));
  const bo = await member(context, url("queue", proxy.port), { backoff, eventsMax: 10 });
  const heard: unknown[] = [];
  ann.on("event", ({ data }) => heard.push(data));
  proxy.cut();
  await until("Bo notices", () => bo.status === "reconnecting");
  for (let index = 0; index < 10; index += 1) bo.send(String(index));
  assert.throws(() => bo.send("too many"), { code: "queue_full" });
  await until("they arrive", () => heard.length === 10);
  assert.deepEqual(heard, Array.from({ length: 10 }, (_, index) => String(index)));
  await until("they are confirmed", () => bo.stats.unconfirmedEvents === 0);
});
