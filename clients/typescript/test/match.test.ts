/** A `Match` on a fake socket: what it sends and when, and what it makes of what it hears. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvent, decodePing, decodeState } from "../src/client_messages.ts";
import type { Welcome } from "../src/control.ts";
import { type Codec, type JoinOptions, Motion, f32, join, oneOf, schema } from "../src/index.ts";
import { keyframeFlag, textFlag, stateType, eventType, pingType, resyncType, tickType, targetPlayer, targetOthers, targetEveryone } from "../src/protocol.ts";
import { encodeEvents, encodePong, encodeTick } from "../src/server_messages.ts";
import { FakeClock, fakeSockets, neverHidden, settle, welcome } from "./fakes.ts";

async function joined(fields: Partial<Welcome> = {}, options: JoinOptions = {}) {
  const clock = new FakeClock();
  const fake = fakeSockets();
  const joining = join("ws://test/v1/match/arena-7", { name: "Ann", WebSocket: fake.WebSocket, visibility: neverHidden, ...options });
  await settle();
  fake.last().open();
  fake.last().text(welcome(fields));
  const match = await joining;
  return { match, clock, fake, socket: fake.last() };
}

const emptyTick = (tick: number) => encodeTick({ flags: keyframeFlag, tick, states: [] });

test("joins with what it was told", async () => {
  const { match, socket } = await joined({}, { ticket: async () => "a.b.c", role: "player" });
  assert.deepEqual(socket.controls[0], { op: "join", name: "Ann", role: "player", ticket: "a.b.c" });
  assert.equal(socket.binaryType, "arraybuffer");
  assert.equal(match.player, 3);
  assert.equal(match.status, "connected");
  assert.equal(match.isHost, false);
  match.leave();
});

test("of many states in a tick only the newest goes out, and the last one always", async () => {
  const { match, clock, socket } = await joined();
  for (let frame = 0; frame < 60; frame += 1) {
    match.state(Uint8Array.of(frame));
    await clock.advance(1_000 / 60);
  }
  const bodies = (): number[] => socket.messages(stateType).map((message) => decodeState(message).body[0] ?? -1);
  assert.ok(bodies().length >= 29 && bodies().length <= 31, `${bodies().length} states in a second`);
  await clock.advance(100);
  assert.equal(bodies().at(-1), 59);
  match.leave();
});

test("holds a state back while the socket has something waiting", async () => {
  const { match, clock, socket } = await joined();
  socket.bufferedAmount = 1;
  match.state(Uint8Array.of(1));
  await clock.advance(200);
  assert.equal(socket.messages(stateType).length, 0);
  match.state(Uint8Array.of(2));
  socket.bufferedAmount = 0;
  await clock.advance(100);
  assert.deepEqual(socket.messages(stateType).map((message) => decodeState(message).body[0]), [2]);
  match.leave();
});

test("reports every tick within 250 ms, by STATE or by PING", async () => {
  const { match, clock, socket } = await joined();
  await clock.advance(1_000);
  const start = clock.now();
  const reports: number[] = [];
  for (let tick = 101; clock.now() < start + 1_900; tick += 1) {
    const before = socket.messages(pingType).length;
    socket.binary(emptyTick(tick));
    await clock.advance(1_000 / 30);
    if (socket.messages(pingType).length > before) reports.push(clock.now());
  }
  assert.ok(reports.length >= 6, `${reports.length} reports in 1.9 s`);
  const ping = socket.messages(pingType).at(-1);
  assert.ok(ping !== undefined && decodePing(ping).seen > 140);
  // A single tick in a quiet match is reported by the timer.
  await clock.advance(50);
  const before = socket.messages(pingType).length;
  socket.binary(emptyTick(500));
  await clock.advance(250);
  assert.ok(socket.messages(pingType).length > before);
  match.leave();
});

test("events go out at once with their target, strings as text", async () => {
  const { match, socket } = await joined();
  match.send(Uint8Array.of(7));
  match.send("hi", { to: "everyone" });
  match.send("you", { to: 0 });
  const events = socket.messages(eventType).map((message) => decodeEvent(message));
  assert.deepEqual(events.map(({ kind, player }) => ({ kind, player })), [
    { kind: targetOthers, player: 0 },
    { kind: targetEveryone | textFlag, player: 0 },
    { kind: targetPlayer | textFlag, player: 0 },
  ]);
  match.leave();
});

test("what does not fit the limits is refused here", async () => {
  const { match } = await joined();
  assert.throws(() => match.state(new Uint8Array(1_024)), { code: "too_large" });
  assert.throws(() => match.send(new Uint8Array(16_384)), { code: "too_large" });
  match.leave();
});

test("a burst of events stays inside the rate limit and arrives all the same", async () => {
  const { match, clock, socket } = await joined({ limits: { ...welcome().limits, messages_per_second: 40 } });
  const sentAt: number[] = [];
  for (let index = 0; index < 100; index += 1) match.send(Uint8Array.of(index));
  for (let ms = 0; ms < 4_000; ms += 10) {
    await clock.advance(10);
    const count = socket.sent.length - 1;
    while (sentAt.length < count) sentAt.push(clock.now());
  }
  assert.equal(socket.messages(eventType).length, 100);
  for (const [index, at] of sentAt.entries()) {
    const inSecond = sentAt.slice(index).filter((other) => other < at + 1_000).length;
    assert.ok(inSecond <= 40 + 40, `${inSecond} messages in a second`);
  }
  match.leave();
});

test("a new connection goes on with what is left of the rates", async (context) => {
  context.mock.method(Math, "random", () => 0);
  const limits = { ...welcome().limits, messages_per_second: 40 };
  const { match, clock, fake, socket } = await joined({ limits });
  for (let index = 0; index < 100; index += 1) match.send(Uint8Array.of(index));
  const sent = socket.messages(eventType).length;
  assert.ok(sent >= 15, `${sent} at once`);
  socket.end(1006);
  await clock.advance(10);
  assert.notEqual(fake.last(), socket);
  fake.last().open();
  fake.last().text(welcome({ limits, recovered: true, events_taken: sent }));
  const more = fake.last().messages(eventType).length;
  assert.ok(more <= 2, `${more} more behind the welcome`);
  match.leave();
});

test("unconfirmed events are sent again after a resume, from events_taken", async () => {
  const { match, clock, fake, socket } = await joined();
  for (const value of [1, 2, 3, 4]) match.send(Uint8Array.of(value));
  socket.binary(encodePong({ taken: 1, clientTime: 0, matchTimeUs: 0, matchTimeHigh: 0 }));
  assert.equal(match.stats.unconfirmedEvents, 3);
  socket.binary(encodeEvents([{ number: 12, from: 0, kind: 0, body: new Uint8Array() }]));
  socket.end(1006);
  assert.equal(match.status, "reconnecting");
  match.send(Uint8Array.of(5));
  await clock.advance(5_000);
  const second = fake.last();
  assert.notEqual(second, socket);
  second.open();
  assert.deepEqual(second.controls[0], { op: "join", name: "Ann", resume: "token", seen_event: 12 });
  second.text(welcome({ recovered: true, events_taken: 2, event: 40 }));
  const bodies = second.messages(eventType).map((message) => decodeEvent(message).body[0]);
  assert.deepEqual(bodies, [3, 4, 5]);
  assert.equal(match.newestEvent, 12);
  match.leave();
});

test("a new slot: what was under way is reported lost, what never left is sent", async () => {
  const { match, clock, fake, socket } = await joined();
  const errors: string[] = [];
  match.on("error", ({ code }) => errors.push(code));
  const news: string[] = [];
  for (const name of ["joined", "left"] as const) match.on(name, ({ player }) => news.push(`${name} ${player}`));
  match.send(Uint8Array.of(1));
  socket.end(1006);
  match.send(Uint8Array.of(2));
  await clock.advance(5_000);
  fake.last().open();
  fake.last().text(welcome({ resume: "another", player: 4, players: [{ player: 4, name: "Ann", away: false }], event: 99 }));
  assert.deepEqual(errors, ["events_lost"]);
  assert.deepEqual(news, ["left 3", "left 0"], "nobody is told that he has joined himself");
  assert.deepEqual(fake.last().messages(eventType).map((message) => decodeEvent(message).body[0]), [2]);
  assert.equal(match.player, 4);
  assert.equal(match.newestEvent, 99);
  match.leave();
});

test("the latest own state is sent anew on each connection", async () => {
  const { match, clock, fake, socket } = await joined();
  match.state(Uint8Array.of(9));
  socket.end(1006);
  await clock.advance(5_000);
  fake.last().open();
  fake.last().text(welcome({ recovered: true }));
  assert.deepEqual(fake.last().messages(stateType).map((message) => decodeState(message).body[0]), [9]);
  match.leave();
});

test("a bad message is an error and a new connection, and the old socket closes only after the slot is taken over", async () => {
  const { match, clock, fake, socket } = await joined();
  const errors: string[] = [];
  match.on("error", ({ code }) => errors.push(code));
  const delta = { player: 0, seq: 1, wait: 0, delta: true, body: Uint8Array.of(1, 2) };
  socket.binary(encodeTick({ flags: 0, tick: 101, states: [delta] }));
  assert.deepEqual(errors, ["protocol"]);
  assert.equal(match.status, "reconnecting");
  assert.equal(socket.closedWith, null);
  await clock.advance(1_000);
  fake.last().open();
  fake.last().text(welcome({ recovered: true }));
  assert.equal(match.status, "connected");
  assert.equal(socket.closedWith, 1000);
  match.leave();
});

test("every kind of nonsense is noticed", async () => {
  const nonsense: ((socket: ReturnType<typeof fakeSockets>["sockets"][number]) => void)[] = [
    (socket) => socket.binary(new Uint8Array()),
    (socket) => socket.binary(Uint8Array.of(tickType)),
    (socket) => socket.text("{"),
    (socket) => socket.text("[]"),
    (socket) => socket.text(welcome()),
    (socket) => socket.text({ op: "joined", player: 3, name: "twice" }),
    (socket) => socket.text({ op: "left", player: 77, reason: "left" }),
    (socket) => socket.text({ op: "host", player: "Ann", epoch: 1 }),
    (socket) => socket.binary(emptyTick(99)),
    (socket) => socket.binary(encodeEvents([{ number: 10, from: 0, kind: 0, body: new Uint8Array() }])),
    (socket) => socket.binary(encodePong({ taken: 1, clientTime: 0, matchTimeUs: 0, matchTimeHigh: 0 })),
  ];
  for (const [index, say] of nonsense.entries()) {
    const { match, socket } = await joined();
    say(socket);
    assert.equal(match.status, "reconnecting", `number ${index}`);
    match.leave();
  }
});

test("a silent relay is given up and replaced", async () => {
  const { match, clock, fake } = await joined();
  await clock.advance(12_000);
  assert.equal(match.status, "reconnecting");
  await clock.advance(1_000);
  assert.ok(fake.sockets.length >= 2);
  match.leave();
});

test("a final close code ends it, a retry code does not", async () => {
  const first = await joined();
  first.socket.end(4002, "be nice");
  assert.equal(first.match.status, "closed");
  await first.clock.advance(60_000);
  assert.equal(first.fake.sockets.length, 1);
  const second = await joined();
  second.socket.end(4100);
  assert.equal(second.match.status, "reconnecting");
  second.match.leave();
});

test("join rejects: refused, unreachable, left", async () => {
  const attempt = async (options: JoinOptions, act: (fake: ReturnType<typeof fakeSockets>, clock: FakeClock) => Promise<void>) => {
    const clock = new FakeClock();
    const fake = fakeSockets();
    const joining = join("ws://test/v1/match/a", { WebSocket: fake.WebSocket, visibility: neverHidden, ...options });
    const outcome = assert.rejects(joining, (error: { code: string }) => (code = error.code) !== "");
    let code = "";
    await settle();
    await act(fake, clock);
    await outcome;
    return code;
  };
  assert.equal(await attempt({}, async (fake) => { fake.last().open(); fake.last().end(4001); }), "refused");
  assert.equal(await attempt({}, async (fake, clock) => {
    for (let count = 0; count < 4; count += 1) {
      fake.last().end(1006);
      await clock.advance(10_000);
    }
  }), "unreachable");
  const controller = new AbortController();
  assert.equal(await attempt({ signal: controller.signal }, async () => controller.abort()), "aborted");
});

test("drain: waits its slot, then resumes at the place given", async () => {
  const { match, clock, fake, socket } = await joined();
  socket.text({ op: "drain", reconnect_ms: 700, url: "wss://b.test/v1/match/arena-7" });
  socket.end(1001);
  await clock.advance(699);
  assert.equal(fake.sockets.length, 1);
  await clock.advance(1);
  assert.equal(fake.last().url, "wss://b.test/v1/match/arena-7");
  match.leave();
});

test("leave says so and closes with 1000", async () => {
  const { match, socket } = await joined();
  match.leave();
  assert.deepEqual(socket.controls.at(-1), { op: "leave" });
  assert.equal(socket.closedWith, 1000);
  assert.equal(match.status, "closed");
});

test("a request that waits at the end fails with what ended it", async () => {
  const ends: [string, (end: Awaited<ReturnType<typeof joined>>, abort: () => void) => void][] = [
    ["aborted", (_, abort) => abort()],
    ["left", ({ match }) => match.leave()],
    ["refused", ({ socket }) => socket.end(4002)],
    ["disconnected", ({ socket }) => socket.end(1006)],
  ];
  for (const [code, act] of ends) {
    const controller = new AbortController();
    const all = await joined({}, { signal: controller.signal });
    const waiting = assert.rejects(all.match.properties.set({ a: 1 }), { code });
    act(all, () => controller.abort());
    await waiting;
    all.match.leave();
  }
});

test("an event goes to somebody there can be, or nowhere", async () => {
  const { match, socket } = await joined();
  for (const to of ["all", "2", null, NaN, 65_536, 1.5, -1, {}]) assert.throws(() => match.send("x", { to: to as number }), { code: "bad_argument" }, String(to));
  assert.equal(socket.messages(eventType).length, 0);
  match.send("x", { to: 0 });
  match.send("x", { to: 65_534 });
  assert.deepEqual(socket.messages(eventType).map((message) => decodeEvent(message).player), [0, 65_534]);
  match.leave();
});

test("what cannot be sent is refused with a code, and the match lives on", async () => {
  const { match, socket } = await joined();
  const before = socket.sent.length;
  const bad: unknown[] = [{ x: 1 }, new ArrayBuffer(3), new Float32Array(2), 5, undefined, null, [1, 2, 300]];
  for (const data of bad) {
    assert.throws(() => match.send(data as string), { code: "bad_argument" });
    await assert.rejects(match.request(data as string, { to: 0 }), { code: "bad_argument" });
    if (data !== null) assert.throws(() => match.state(data as Uint8Array), { code: "bad_argument" });
  }
  for (const value of [1n, undefined, () => 1]) assert.throws(() => match.sendJson(value), { code: "bad_argument" });
  await assert.rejects(match.properties.set({ map: 1n }), { code: "bad_argument" });
  await assert.rejects(match.properties.set({ map: "x".repeat(20_000) }), { code: "too_large" });
  // Counted in bytes, not in characters.
  await assert.rejects(match.properties.set({ map: "ä".repeat(9_000) }), { code: "too_large" });
  assert.equal(socket.sent.length, before);
  match.leave();
  const packed = await joined({}, { schema: schema({ team: oneOf("red", "blue") }) } as never);
  for (const state of [undefined, { team: "green" }]) assert.throws(() => packed.match.state(state as never), { code: "bad_argument" });
  assert.equal(packed.match.status, "connected");
  packed.match.leave();
});

test("a typed array of single bytes from elsewhere is bytes, too", async () => {
  const { match, socket } = await joined();
  match.send(Buffer.from("ab"));
  match.send(Int8Array.of(-1) as never);
  assert.deepEqual(socket.messages(eventType).map((message) => [...decodeEvent(message).body]), [[97, 98], [255]]);
  match.leave();
});

test("a request without a limit of time waits for its answer", async () => {
  const { match, clock } = await joined();
  for (const timeout of [Infinity, 2 ** 31]) {
    let over = "";
    match.request("?", { to: 0, timeout }).catch(({ code }) => (over = code));
    await clock.advance(60_000);
    assert.equal(over, "");
  }
  match.leave();
});

test("properties: set is answered, values follow the relay, a refusal has its code", async () => {
  const { match, socket } = await joined({ properties: { map: "moon" }, properties_version: 4 });
  assert.equal(match.properties.get("map"), "moon");
  const set = match.properties.set({ map: null, round: 2 }, { ifVersion: 4 });
  assert.deepEqual(socket.controls.at(-1), { op: "properties", set: { map: null, round: 2 }, if_version: 4, id: 1 });
  socket.text({ op: "properties", version: 5, set: { map: null, round: 2 }, by: 3 });
  socket.text({ op: "ok", id: 1 });
  await set;
  assert.deepEqual([...match.properties.values], [["round", 2]]);
  const refused = assert.rejects(match.properties.set({ a: 1 }, { ifVersion: 4 }), { code: "version" });
  socket.text({ op: "error", code: "version", message: "no", id: 2, version: 5 });
  await refused;
  const lost = assert.rejects(match.properties.set({ a: 1 }), { code: "disconnected" });
  socket.end(1006);
  await lost;
  match.leave();
});

test("age of the own state, the clock and the rates", async () => {
  const { match, clock, socket } = await joined();
  match.state(Uint8Array.of(1));
  await clock.advance(40);
  const { seq } = decodeState(socket.messages(stateType)[0] ?? new Uint8Array());
  const entry = { player: 3, seq, wait: 10, delta: false, body: Uint8Array.of(1) };
  socket.binary(encodeTick({ flags: keyframeFlag, tick: 101, states: [entry] }));
  assert.equal(match.stats.ownStateAgeMs, 40);
  assert.equal(match.stats.ticks, 1);
  const { clientTime } = decodePing(socket.messages(pingType).at(-1) ?? new Uint8Array());
  await clock.advance(30);
  const sentMs = clientTime / 1_000;
  socket.binary(encodePong({ taken: 0, clientTime, matchTimeUs: 5_000_000, matchTimeHigh: 0 }));
  const roundTrip = clock.now() - sentMs;
  assert.ok(Math.abs((match.stats.roundTripMs ?? 0) - roundTrip) < 0.01);
  assert.ok(Math.abs((match.time ?? 0) - (5_000 + roundTrip / 2)) < 0.01);
  match.leave();
});

test("a hidden page says so, also on its next connection", async () => {
  let listener = (): void => {};
  const visibility = { hidden: false, watch: (call: () => void) => void (listener = call) };
  const { match, clock, fake, socket } = await joined({}, { visibility });
  visibility.hidden = true;
  listener();
  assert.deepEqual(socket.controls.at(-1), { op: "visible", visible: false });
  socket.end(1006);
  await clock.advance(5_000);
  fake.last().open();
  fake.last().text(welcome({ recovered: true }));
  assert.deepEqual(fake.last().controls.at(-1), { op: "visible", visible: false });
  match.leave();
});

test("a hidden page, whose timers sleep, reports what it has when it hides, and then each tick", async () => {
  let listener = (): void => {};
  const visibility = { hidden: false, watch: (call: () => void) => void (listener = call) };
  const { match, clock, socket } = await joined({}, { visibility });
  await clock.advance(2_100);
  const seen = (): number[] => socket.messages(pingType).map((message) => decodePing(message).seen);
  socket.binary(emptyTick(120));
  socket.binary(emptyTick(121));
  assert.notEqual(seen().at(-1), 121, "one was reported just now");
  visibility.hidden = true;
  listener();
  assert.equal(seen().at(-1), 121);
  for (const tick of [150, 151]) {
    socket.binary(emptyTick(tick));
    assert.equal(seen().at(-1), tick);
  }
  match.leave();
});

test("a state function or a codec that throws is the page's own error, and none of the relay's", async (context) => {
  const Odd: Codec<string> = {
    encode: (team) => (team === "red" ? Uint8Array.of(1) : assert.fail("no such team")),
    decode: () => assert.fail("cannot read this"),
  };
  const { match, clock, socket } = await joined({}, { schema: Odd, phaseLock: false } as never);
  const later: (() => void)[] = [];
  context.mock.method(globalThis, "queueMicrotask", (callback: () => void) => void later.push(callback));
  const made = ["red", "green"];
  match.state(() => {
    if (made.length === 0) throw new TypeError("the game's own mistake");
    return made.shift() as never;
  });
  for (let tick = 101; tick < 106; tick += 1) {
    socket.binary(emptyTick(tick));
    await clock.advance(40);
  }
  assert.equal(socket.messages(stateType).length, 1);
  assert.throws(() => later[0]?.(), /no such team/);
  assert.throws(() => later[1]?.(), /own mistake/);
  assert.ok(later.length > 3, "it is asked again at each tick");
  match.state("red" as never);
  await clock.advance(40);
  assert.equal(socket.messages(stateType).length, 2);
  socket.binary(encodeTick({ flags: 0, tick: 120, states: [{ player: 0, seq: 1, wait: 0, delta: false, body: Uint8Array.of(1) }] }));
  assert.throws(() => later.at(-1)?.(), /cannot read this/);
  assert.equal(match.stats.badStates, 1);
  assert.equal(match.status, "connected");
  match.leave();
});

test("who listens late asks for a keyframe, once, and draws those who stand still", async () => {
  const { match, clock, socket } = await joined({}, { schema: schema({ x: f32 }) } as never);
  const still = (tick: number, flags: number) =>
    encodeTick({ flags, tick, states: flags === 0 ? [] : [{ player: 0, seq: 1, wait: 0, delta: false, body: schema({ x: f32 }).encode({ x: 7 }) }] });
  match.on("tick", () => {});
  assert.equal(socket.messages(resyncType).length, 0, "the first keyframe is to come anyway");
  socket.binary(still(101, keyframeFlag));
  socket.binary(still(102, 0));
  const motion = new Motion(match as never);
  assert.equal(socket.messages(resyncType).length, 1);
  assert.deepEqual(socket.messages(resyncType)[0], Uint8Array.of(resyncType));
  socket.binary(still(103, keyframeFlag));
  await clock.advance(100);
  assert.deepEqual([...motion.draw()], [[0, { x: 7 }]]);
  assert.equal(match.stats.skippedTicks, 0, "a keyframe that was asked for is no skipped tick");
  match.leave();
});

test("a keyframe that comes in one piece with the welcome is asked for again", async () => {
  new FakeClock();
  const fake = fakeSockets();
  const joining = join("ws://test/v1/match/arena-7", { WebSocket: fake.WebSocket, visibility: neverHidden });
  await settle();
  fake.last().open();
  fake.last().text(welcome());
  fake.last().binary(emptyTick(101));
  const match = await joining;
  match.on("tick", () => {});
  assert.equal(fake.last().messages(resyncType).length, 1);
  match.leave();
});

test("a listener that throws stops nobody, and the error is reported", async (context) => {
  const { match, socket } = await joined();
  const seen: number[] = [];
  // The runner takes uncaught errors for failures, so the way out is watched instead.
  const later: (() => void)[] = [];
  context.mock.method(globalThis, "queueMicrotask", (callback: () => void) => void later.push(callback));
  match.on("tick", () => {
    throw new Error("the game's own mistake");
  });
  match.on("tick", ({ tick }) => seen.push(tick));
  socket.binary(emptyTick(101));
  assert.deepEqual(seen, [101]);
  assert.equal(match.status, "connected");
  assert.throws(() => later[0]?.(), /own mistake/);
  match.leave();
});
