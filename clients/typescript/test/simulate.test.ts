/** The simulated link in fake time: late, in order, complete. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "../src/index.ts";
import { eventType } from "../src/protocol.ts";
import { type LinkConditions, SimulatedLink, type SimulatedSocket, presets } from "../src/simulate/index.ts";
import { FakeClock, type FakeSocket, fakeSockets, neverHidden, settle, welcome } from "./fakes.ts";

interface Opened {
  clock: FakeClock;
  link: SimulatedLink;
  /** The page's end. */
  outer: SimulatedSocket;
  /** The real socket under it. */
  inner: FakeSocket;
  /** What the page heard, each with its time. */
  heard: { at: number; what: string }[];
}

/** A small generator with a seed: Lehmer's. */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

async function opened(conditions: LinkConditions, random = chance(7)): Promise<Opened> {
  const clock = new FakeClock();
  const fake = fakeSockets();
  const link = new SimulatedLink({}, { WebSocket: fake.WebSocket, random });
  const outer = new link.WebSocket("ws://test/", "tickwire.v1");
  fake.last().open();
  await clock.advance(0);
  const heard: Opened["heard"] = [];
  outer.onmessage = ({ data }: { data: string }) => heard.push({ at: clock.now(), what: data });
  outer.onclose = ({ code }: { code: number }) => heard.push({ at: clock.now(), what: `close ${code}` });
  link.conditions = conditions;
  return { clock, link, outer, inner: fake.last(), heard };
}

test("a message comes after the latency, either way", async () => {
  const { clock, outer, inner, heard } = await opened({ latencyMs: 80 });
  const start = clock.now();
  inner.text("down");
  outer.send("up");
  await clock.advance(79);
  assert.deepEqual([heard.length, inner.sent.length], [0, 0]);
  await clock.advance(1);
  assert.deepEqual(heard, [{ at: start + 80, what: "down" }]);
  assert.deepEqual(inner.sent, ["up"]);
});

test("jitter and loss hold messages up, and never change their order nor lose one", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const { clock, outer, inner, heard } = await opened({ latencyMs: 30, jitterMs: 200, loss: 0.2, stallEveryMs: 500, stallMs: 300 }, chance(seed));
    const wanted = Array.from({ length: 120 }, (_, index) => `message ${index}`);
    for (const message of wanted) {
      inner.text(message);
      outer.send(message);
      await clock.advance(10);
    }
    await clock.advance(60_000);
    assert.deepEqual(heard.map(({ what }) => what), wanted, `seed ${seed}`);
    assert.deepEqual(inner.sent, wanted, `seed ${seed}`);
    const late = heard.map(({ at }, index) => at - heard[0]!.at - index * 10);
    assert.ok(Math.max(...late) - Math.min(...late) > 100, `seed ${seed}: the link was steady`);
  }
});

test("a loss is a stall of two round trips, and of 200 ms at least, for all that comes behind", async () => {
  for (const [latencyMs, stallMs] of [[10, 200], [100, 400]] as const) {
    let draw = 0;
    // Two draws each, whether it is lost and its jitter: the handshake's, the first message's, then the loss.
    const { clock, inner, heard } = await opened({ latencyMs, loss: 0.5 }, () => (draw++ === 4 ? 0 : 0.9));
    const start = clock.now();
    inner.text("first");
    inner.text("lost");
    inner.text("behind");
    await clock.advance(1_000);
    assert.deepEqual(heard.map(({ at, what }) => [what, at - start]), [["first", latencyMs], ["lost", latencyMs + stallMs], ["behind", latencyMs + stallMs]]);
  }
});

test("a stall delivers nothing and loses nothing", async () => {
  const { clock, link, outer, inner, heard } = await opened({ latencyMs: 20 });
  inner.text("under way");
  link.stall(2_000);
  outer.send("sent into it");
  await clock.advance(1_999);
  assert.deepEqual([heard.length, inner.sent.length], [0, 0]);
  await clock.advance(1);
  assert.deepEqual([heard.length, inner.sent.length], [1, 1]);
});

test("stalls come by themselves, about as often as asked for", async () => {
  const { clock, inner, heard } = await opened({ stallEveryMs: 1_000, stallMs: 200 });
  for (let index = 0; index < 6_000; index += 1) {
    inner.text("tick");
    await clock.advance(10);
  }
  const gaps = heard.filter(({ at }, index) => at - (heard[index - 1]?.at ?? at) > 150).length;
  // 60 s with one in 1.2 s: 50, give or take three times the root of it.
  assert.ok(gaps > 29 && gaps < 71, `${gaps} stalls in a minute`);
});

test("a narrow link passes what it is said to, and the page sees the rest wait", async () => {
  const { clock, outer, inner } = await opened({ bitsPerSecond: 32_000 });
  for (let index = 0; index < 10; index += 1) outer.send(new Uint8Array(4_000));
  assert.equal(outer.bufferedAmount, 40_000 - 16_384);
  await clock.advance(5_000);
  assert.equal(inner.sent.length, 5);
  assert.equal(outer.bufferedAmount, 20_000 - 16_384);
  await clock.advance(5_000);
  assert.equal(inner.sent.length, 10);
  assert.equal(outer.bufferedAmount, 0);
});

test("bytes are those of the call, whatever the caller does with them later", async () => {
  const { clock, outer, inner } = await opened({ latencyMs: 20 });
  const bytes = Uint8Array.of(1, 2, 3);
  outer.send(bytes);
  bytes.fill(9);
  await clock.advance(20);
  assert.deepEqual(inner.sent, [Uint8Array.of(1, 2, 3)]);
});

test("a close goes behind what was said before it, either way", async () => {
  const { clock, outer, inner, heard } = await opened({ latencyMs: 50 });
  inner.text("last words");
  inner.end(4002);
  await clock.advance(50);
  assert.deepEqual(heard.map(({ what }) => what), ["last words", "close 4002"]);
  const other = await opened({ latencyMs: 50 });
  other.outer.send("goodbye");
  other.outer.close(1000);
  await other.clock.advance(49);
  assert.equal(other.inner.closedWith, null);
  await other.clock.advance(1);
  assert.deepEqual(other.inner.sent, ["goodbye"]);
  assert.equal(other.inner.closedWith, 1000);
  assert.equal(outer.bufferedAmount, 0);
});

test("a handshake costs its round trips, and nothing can be sent before", async () => {
  for (const [scheme, roundTrips] of [["ws", 2], ["wss", 3]] as const) {
    const clock = new FakeClock();
    const fake = fakeSockets();
    const link = new SimulatedLink({ latencyMs: 50 }, { WebSocket: fake.WebSocket });
    const outer = new link.WebSocket(`${scheme}://test/`, "tickwire.v1");
    let openedAt = 0;
    outer.onopen = () => (openedAt = clock.now());
    const start = clock.now();
    fake.last().open();
    assert.throws(() => outer.send("too soon"), { name: "InvalidStateError" });
    await clock.advance(1_000);
    assert.equal(openedAt - start, roundTrips * 100);
  }
});

test("a cut ends the socket with 1006 and loses what was under way; the match comes back", async () => {
  const clock = new FakeClock();
  const fake = fakeSockets();
  const link = new SimulatedLink({ latencyMs: 20 }, { WebSocket: fake.WebSocket });
  const joining = join("ws://test/v1/match/a", { WebSocket: link.WebSocket, visibility: neverHidden, backoff: { random: () => 0 } });
  await settle();
  const first = fake.last();
  first.open();
  await clock.advance(100);
  first.text(welcome());
  await clock.advance(20);
  const match = await joining;
  match.send("once");
  link.cut();
  assert.equal(match.status, "reconnecting");
  await clock.advance(1);
  const second = fake.last();
  second.open();
  await clock.advance(100);
  assert.equal(second.controls[0]?.op, "join");
  second.text(welcome({ recovered: true, events_taken: 0 }));
  await clock.advance(50);
  assert.equal(match.status, "connected");
  assert.deepEqual([first, second].map((socket) => socket.messages(eventType).length), [0, 1]);
  // A close frame would have given the slot up; it comes only when nobody can want it any more.
  assert.equal(first.closedWith, null);
  await clock.advance(30_000);
  assert.equal(first.closedWith, 1005);
  match.leave();
});

test("conditions that make no sense are refused by name", () => {
  for (const [conditions, name] of [[{ latencyMs: -1 }, "latencyMs"], [{ loss: 2 }, "loss"], [{ bitsPerSecond: 0 }, "bitsPerSecond"], [{ jitterMs: NaN }, "jitterMs"]] as const) {
    assert.throws(() => new SimulatedLink(conditions), (error: Error) => error instanceof RangeError && error.message.includes(name));
  }
  for (const preset of Object.values(presets)) assert.doesNotThrow(() => new SimulatedLink(preset));
});
