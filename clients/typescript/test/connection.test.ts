/** What a connection does at its end, under a clock that the test moves: against a server that follows a script. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvent, decodeState } from "../src/client_messages.ts";
import type { Welcome } from "../src/control.ts";
import { type JoinOptions, TickwireError, join } from "../src/index.ts";
import { eventType, pingType, purposeReply, purposeRequest, stateType, textFlag } from "../src/protocol.ts";
import { encodeEvents, encodePong, encodeTick } from "../src/server_messages.ts";
import { FakeClock, fakeSockets, neverHidden, settle, welcome } from "./fakes.ts";

const home = "ws://home.test/v1/match/arena-7";
const other = "wss://other.test/v1/match/arena-7";

function dial(options: JoinOptions = {}) {
  const clock = new FakeClock();
  const fake = fakeSockets();
  const joining = join(home, { WebSocket: fake.WebSocket, visibility: neverHidden, backoff: { random: () => 1 }, ...options });
  joining.catch(() => {});
  return { clock, fake, joining };
}

async function joined(options: JoinOptions = {}, fields: Partial<Welcome> = {}) {
  const { clock, fake, joining } = dial(options);
  await settle();
  fake.last().open();
  fake.last().text(welcome(fields));
  return { match: await joining, clock, fake };
}

/** The next connection, which resumes. */
async function resume(fake: ReturnType<typeof fakeSockets>, fields: Partial<Welcome> = {}): Promise<void> {
  await settle();
  fake.last().open();
  fake.last().text(welcome({ recovered: true, ...fields }));
}

test("a moved match is joined at once where it lives now, with the same token", async () => {
  const { match, clock, fake } = await joined();
  fake.last().end(4103, other);
  await clock.advance(0);
  assert.equal(fake.last().url, other);
  await resume(fake);
  assert.equal(match.status, "connected");
  assert.deepEqual(fake.last().controls[0], { op: "join", resume: "token", seen_event: 10 });
  match.leave();
});

test("two nodes that send the client to each other are not run between", async () => {
  const { match, clock, fake } = await joined();
  fake.last().end(4103, other);
  await clock.advance(0);
  for (let round = 0; round < 20; round += 1) {
    fake.last().open();
    fake.last().end(4103, round % 2 === 0 ? home : other);
    await clock.advance(100);
  }
  assert.ok(fake.sockets.length < 6, `${fake.sockets.length} connections in 2 s`);
  match.leave();
});

test("where nobody answers at the new place, the old one is asked again", async () => {
  const { match, clock, fake } = await joined();
  fake.last().end(4103, other);
  await clock.advance(0);
  fake.last().end(1006);
  await clock.advance(10_000);
  assert.equal(fake.last().url, home);
  match.leave();
});

test("a moved match without an address is tried again where it was", async () => {
  const { match, clock, fake } = await joined();
  fake.last().end(4103, "https://not.a/websocket");
  await clock.advance(1_000);
  assert.equal(fake.sockets.length, 2);
  assert.equal(fake.last().url, home);
  match.leave();
});

test("a drain's slot is kept, whatever the page does; any other wait ends when it shows", async () => {
  let look = (): void => {};
  const visibility = { hidden: false, watch: (listener: () => void) => void (look = listener) };
  const { match, clock, fake } = await joined({ visibility });
  fake.last().text({ op: "drain", reconnect_ms: 3_000 });
  fake.last().end(1001);
  look();
  await clock.advance(2_999);
  assert.equal(fake.sockets.length, 1);
  await clock.advance(1);
  assert.equal(fake.sockets.length, 2);
  await resume(fake);
  fake.last().end(1006);
  await settle();
  look();
  await settle();
  assert.equal(fake.sockets.length, 3);
  match.leave();
});

test("waits double with full jitter, and begin anew after a connection that lasted", async () => {
  const { match, clock, fake } = await joined();
  await clock.advance(6_000);
  const waits: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    fake.last().end(1006);
    const at = clock.now();
    while (fake.sockets.length < round + 2) await clock.advance(10);
    waits.push(clock.now() - at);
    fake.last().open();
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 5_000]);
  match.leave();
});

test("unreachable after the stated number of handshakes that never opened", async () => {
  for (const handshakesMax of [1, 3]) {
    const { clock, fake, joining } = dial({ handshakesMax });
    await settle();
    for (let count = 0; count < handshakesMax; count += 1) {
      fake.last().end(1006);
      await clock.advance(5_000);
    }
    await assert.rejects(joining, (error: unknown) => error instanceof TickwireError && error.code === "unreachable" && error.closeCode === 1006);
    assert.equal(fake.sockets.length, handshakesMax);
  }
});

test("a handshake that hangs counts as one that never opened", async () => {
  const { clock, fake, joining } = dial({ handshakesMax: 2 });
  await clock.advance(30_000);
  await assert.rejects(joining, { code: "unreachable" });
  assert.deepEqual(fake.sockets.map(({ closedWith }) => closedWith), [1000, 1000]);
});

test("a ticket is asked for at each connection; one that fails is asked for again", async () => {
  let asked = 0;
  const ticket = async (): Promise<string> => {
    asked += 1;
    if (asked === 1) throw new Error("the ticket office is closed");
    return `ticket ${asked}`;
  };
  const { clock, fake, joining } = dial({ ticket });
  await clock.advance(300);
  fake.last().open();
  assert.deepEqual(fake.last().controls[0], { op: "join", ticket: "ticket 2" });
  fake.last().text(welcome());
  const match = await joining;
  fake.last().end(1006);
  await clock.advance(5_000);
  fake.last().open();
  assert.equal((fake.last().controls[0] as { ticket: string }).ticket, "ticket 3");
  match.leave();
});

test("a ticket that never comes does not hold the match up, nor is it used when it is too late", async () => {
  const tickets: ((ticket: string) => void)[] = [];
  const { clock, fake, joining } = dial({ ticket: () => new Promise((resolve) => tickets.push(resolve)) });
  await clock.advance(11_000);
  assert.equal(tickets.length, 2);
  tickets[0]?.("late");
  await settle();
  assert.equal(fake.sockets.length, 0);
  tickets[1]?.("fresh");
  await settle();
  fake.last().open();
  assert.equal((fake.last().controls[0] as { ticket: string }).ticket, "fresh");
  fake.last().text(welcome());
  (await joining).leave();
});

test("a ticket that only fails ends as unreachable, and the error says why", async () => {
  const { clock, joining } = dial({ handshakesMax: 2, ticket: () => Promise.reject(new Error("no money")) });
  await clock.advance(1_000);
  await assert.rejects(joining, { code: "unreachable", message: /no money/ });
});

test("where the slot is still there a ticket that fails is done without; a new slot waits for one", async () => {
  let open = true;
  const ticket = async (): Promise<string> => {
    if (!open) throw new Error("the ticket office is closed");
    return "ticket";
  };
  const { match, clock, fake } = await joined({ ticket });
  open = false;
  fake.last().end(1006);
  await clock.advance(1_000);
  fake.last().open();
  assert.deepEqual(fake.last().controls[0], { op: "join", resume: "token", seen_event: 10 });
  fake.last().text(welcome({ recovered: true }));
  assert.equal(match.status, "connected");
  // The window is over, and the relay wants a ticket: no reason to give up.
  fake.last().end(1006);
  await clock.advance(1_000);
  fake.last().open();
  fake.last().end(4000, "no ticket");
  assert.equal(match.status, "reconnecting");
  open = true;
  await clock.advance(5_000);
  fake.last().open();
  assert.equal((fake.last().controls[0] as { ticket: string }).ticket, "ticket");
  fake.last().text(welcome());
  assert.equal(match.status, "connected");
  // With a ticket it is final.
  fake.last().end(4000);
  assert.equal(match.status, "closed");
});

test("connections that open and let nobody in count, too: closed, silent, or nonsense", async () => {
  const ends: ((fake: ReturnType<typeof fakeSockets>, clock: FakeClock) => unknown)[] = [
    (fake) => fake.last().end(1011, "broken"),
    (_, clock) => clock.advance(10_001),
    (fake) => fake.last().text("["),
  ];
  for (const end of ends) {
    const { clock, fake, joining } = dial({ handshakesMax: 3 });
    await settle();
    for (let count = 0; count < 3; count += 1) {
      fake.last().open();
      await end(fake, clock);
      await clock.advance(5_000);
    }
    await assert.rejects(joining, { code: "unreachable" });
    assert.equal(fake.sockets.length, 3);
    for (const { closedWith } of fake.sockets) assert.ok(closedWith === 1000 || end === ends[0]);
  }
});

test("a match that has moved is followed however few attempts there are, and a welcome starts the count anew", async () => {
  const { clock, fake, joining } = dial({ handshakesMax: 1 });
  await settle();
  fake.last().open();
  fake.last().end(4103, other);
  await clock.advance(0);
  fake.last().open();
  fake.last().text(welcome());
  const match = await joining;
  fake.last().end(1011);
  await clock.advance(1_000);
  assert.equal(fake.sockets.length, 3);
  assert.equal(match.status, "reconnecting");
  match.leave();
});

test("what waits for somebody who left meanwhile is not sent to whoever has the number now", async () => {
  const players = [0, 1, 3].map((player) => ({ player, name: `p${player}`, away: false }));
  const { match, clock, fake } = await joined({}, { players });
  const outcomes: string[] = [];
  const ask = (to: number) => void match.request("?", { to, timeout: 60_000 }).catch(({ code }) => outcomes.push(`${to} ${code}`));
  ask(1);
  match.send("sent, not taken", { to: 1 });
  fake.last().end(1006);
  match.send("queued", { to: 1 });
  match.send("for all");
  match.send("for p0", { to: 0 });
  ask(1);
  ask(0);
  await clock.advance(1_000);
  // One of the two requests at most may have been taken.
  await resume(fake, { events_taken: 1, players: [players[0]!, { player: 1, name: "a stranger", away: false }, players[2]!] });
  await settle();
  assert.deepEqual(outcomes, ["1 no_such_player", "1 no_such_player"]);
  const sent = () => fake.last().messages(eventType).map((message) => decodeEvent(message)).map(({ player, body }) => `${player} ${Buffer.from(body.filter((byte) => byte > 9)).toString()}`);
  assert.deepEqual(sent(), ["0 for all", "0 for p0", "0 ?"]);
  // The same while connected, behind the rate limit; what is under way already is the relay's to judge.
  const before = sent().length;
  for (let index = 0; index < 300; index += 1) match.send("many", { to: 1 });
  const under = sent().length;
  assert.ok(under > before && under < before + 300);
  fake.last().text({ op: "left", player: 1, reason: "left" });
  match.send("the last");
  await clock.advance(5_000);
  assert.deepEqual(sent().slice(under), ["0 the last"]);
  fake.last().binary(encodePong({ taken: 1 + under + 1, clientTime: 0, matchTimeUs: 0, matchTimeHigh: 0 }));
  assert.equal(match.status, "connected");
  assert.equal(match.stats.unconfirmedEvents, 0);
  match.leave();
});

test("a queue is full at its bytes, too, and empty again once they are taken", async () => {
  const { match, fake } = await joined({ eventBytesMax: 100 });
  match.send(new Uint8Array(50));
  match.send(new Uint8Array(42));
  assert.throws(() => match.send("x"), { code: "queue_full" });
  fake.last().binary(encodePong({ taken: 1, clientTime: 0, matchTimeUs: 0, matchTimeHigh: 0 }));
  match.send(new Uint8Array(50));
  assert.throws(() => match.send("x"), { code: "queue_full" });
  match.leave();
});

test("a rate asked for while away rejects, and holds from the next connection on", async () => {
  const { match, clock, fake } = await joined();
  fake.last().end(1006);
  await assert.rejects(match.rate(4), { code: "disconnected" });
  await clock.advance(1_000);
  await resume(fake);
  assert.deepEqual(fake.last().controls.at(-1), { op: "rate", divisor: 4 });
  match.leave();
});

test("a signal stops joining, leaves the match, and ends whatever waits", async () => {
  const controller = new AbortController();
  const reason = new Error("the player closed the window");
  const { match, fake } = await joined({ signal: controller.signal });
  const waiting = [match.request("?", { to: 0 }), match.rate(2), match.properties.set({ a: 1 })].map((promise) => assert.rejects(promise, Error));
  const single = new AbortController();
  const asked = assert.rejects(match.request("?", { to: 0, signal: single.signal }), { code: "aborted", cause: reason });
  const told = assert.rejects(match.properties.set({ a: 1 }, { signal: single.signal }), { code: "aborted" });
  single.abort(reason);
  await Promise.all([asked, told]);
  await assert.rejects(match.lock(true, { signal: single.signal }), { code: "aborted" });
  controller.abort(reason);
  await Promise.all(waiting);
  assert.equal(match.status, "closed");
  assert.equal(fake.last().closedWith, 1000);
  assert.throws(() => match.send("x"), { code: "closed" });
  match.state(Uint8Array.of(1));
});

test("who came, went and changed while one was away oneself is told after it", async () => {
  const players = [0, 1, 2, 3].map((player) => ({ player, name: `p${player}`, away: false }));
  const { match, clock, fake } = await joined({}, { players });
  const news: string[] = [];
  for (const name of ["joined", "left", "away", "back"] as const) match.on(name, ({ player }) => news.push(`${name} ${player}`));
  fake.last().end(1006);
  await clock.advance(5_000);
  const after = [{ player: 0, name: "p0", away: true }, { player: 2, name: "another", away: false }, { player: 3, name: "p3", away: false }, { player: 4, name: "p4", away: false }];
  await resume(fake, { players: after });
  assert.deepEqual(news, ["left 2", "left 1", "away 0", "joined 2", "joined 4"]);
  fake.last().text({ op: "back", player: 0 });
  fake.last().text({ op: "left", player: 2, reason: "left" });
  assert.deepEqual(news.slice(5), ["back 0", "left 2"]);
  match.leave();
});

test("a request is an event with an id, answered by a reply of the player asked and nobody else", async () => {
  const { match, fake } = await joined();
  const answer = match.request("how many?", { to: 0 });
  await settle();
  const sent = decodeEvent(fake.last().messages(eventType)[0] ?? new Uint8Array());
  assert.equal(sent.kind, 3 | textFlag | (purposeRequest << 3));
  const id = sent.body.slice(0, 2);
  const reply = (number: number, from: number, word: string) =>
    ({ number, from, kind: 3 | textFlag | (purposeReply << 3), body: Uint8Array.of(...id, ...Buffer.from(word)) });
  fake.last().text({ op: "joined", player: 5, name: "Eve" });
  fake.last().binary(encodeEvents([reply(11, 5, "none"), reply(12, 0, "three")]));
  assert.equal(await answer, "three");
  match.onRequest((data, from) => `${String(data)} ${from}`);
  fake.last().binary(encodeEvents([{ number: 13, from: 0, kind: 3 | textFlag | (purposeRequest << 3), body: Uint8Array.of(1, 2, 63) }]));
  await settle();
  const answered = decodeEvent(fake.last().messages(eventType)[1] ?? new Uint8Array());
  assert.deepEqual({ ...answered, body: Buffer.from(answered.body).toString("latin1") }, { kind: 3 | textFlag | (purposeReply << 3), player: 0, body: "\x01\x02? 0" });
  match.leave();
});

test("control messages stay inside their own rate limit, and all go out", async () => {
  const { match, clock, fake } = await joined();
  const sets = Array.from({ length: 15 }, (_, index) => match.properties.set({ [index]: index }));
  await settle();
  assert.ok(fake.last().controls.length <= 1 + 5, `${fake.last().controls.length} at once`);
  await clock.advance(2_000);
  assert.equal(fake.last().controls.length, 1 + 15);
  for (const { id } of fake.last().controls.slice(1) as { id: number }[]) fake.last().text({ op: "ok", id });
  await Promise.all(sets);
  match.leave();
});

test("a relay that is silent after the machine has slept is given up all the same", async () => {
  const { match, clock } = await joined();
  clock.sleep(60_000);
  await clock.advance(12_000);
  assert.equal(match.status, "reconnecting");
  match.leave();
});

test("a hidden page lives on what it hears: reports and states go out in the tick's handler", async () => {
  const visibility = { hidden: false, watch: (listener: () => void) => void (look = listener) };
  let look = (): void => {};
  const { match, clock, fake } = await joined({ visibility });
  visibility.hidden = true;
  look();
  assert.deepEqual(fake.last().controls.at(-1), { op: "visible", visible: false });
  const before = fake.last().sent.length;
  // The page's timers sleep: the clock goes on, nothing falls due.
  for (let tick = 130; tick < 130 + 60 * 30; tick += 30) {
    clock.sleep(1_000);
    match.state(Uint8Array.of(tick & 0xff));
    fake.last().binary(encodeTick({ flags: 1, tick, states: [] }));
    await settle();
  }
  const sent = fake.last().sent.slice(before);
  assert.ok(sent.length >= 60, `${sent.length} messages in a minute`);
  const states = fake.last().messages(stateType).map((message) => decodeState(message).body[0]);
  assert.ok(states.length >= 59, `${states.length} states in a minute`);
  assert.equal(match.status, "connected");
  // The machine sleeps, too, and the timers wake before what was received is read: no reason to think
  // that the relay is dead. Where it is, that shows soon.
  const pings = fake.last().messages(pingType).length;
  clock.sleep(1_000);
  fake.last().binary(encodeTick({ flags: 1, tick: 8_000, states: [] }));
  assert.equal(fake.last().messages(pingType).length, pings + 1);
  clock.sleep(20_000);
  await clock.advance(10);
  assert.equal(match.status, "connected");
  fake.last().binary(encodeTick({ flags: 1, tick: 9_000, states: [] }));
  visibility.hidden = false;
  look();
  assert.deepEqual(fake.last().controls.at(-1), { op: "visible", visible: true });
  match.leave();
});
