/**
 * The codecs of both sides against each other: what a client of this package sends comes through the
 * relay's C++ codec, and its deltas, to others byte for byte. Seeded; a failure names the seed.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withRelay } from "../../../../tests/integration/relay.ts";
import { type Match, join } from "../../src/index.ts";
import { random } from "../random.ts";

const seed = Number(process.env["TICKWIRE_SEED"] ?? Math.floor(Math.random() * 1e9));
const tickHz = 60;
const watchMs = 6_000;
const stateSizeMax = 1_018;
const eventCount = 300;
const eventSizeMax = 4_000;

/** Changes its state as games do and as they do not: nothing, a little, all of it, another length. */
class Mover {
  readonly sent = new Map<number, Uint8Array>();
  readonly #next: () => number;
  #bytes = new Uint8Array(4);
  #count = 0;

  constructor(next: () => number) {
    this.#next = next;
  }

  move(): Uint8Array {
    const next = this.#next;
    const resize = next() < 0.1;
    const size = resize ? 4 + Math.floor(next() ** 3 * (stateSizeMax - 4)) : this.#bytes.length;
    const density = [0, 0.02, 0.5, 1][Math.floor(next() * 4)] ?? 0;
    const before = this.#bytes;
    this.#bytes = Uint8Array.from({ length: size }, (_, index) => (next() < density ? next() * 256 : (before[index] ?? 0)));
    this.#count += 1;
    new DataView(this.#bytes.buffer).setUint32(0, this.#count);
    this.sent.set(this.#count, this.#bytes);
    return this.#bytes;
  }
}

test(`states and events of every size arrive as they were sent, at every divisor (seed ${seed})`, async (context) => {
  await withRelay(["--listen", "127.0.0.1:0", "--tick-hz", String(tickHz)], async (relay) => {
    const next = random(seed);
    const url = `${relay.url()}/v1/match/codec`;
    const matches: Match[] = [];
    const movers = new Map<number, Mover>();
    for (let index = 0; index < 4; index += 1) {
      const match = await join(url, { phaseLock: index % 2 === 0 });
      matches.push(match);
      movers.set(match.player, new Mover(next));
    }
    const watcher = await join(url, { role: "spectator" });
    let compared = 0;
    const wrong: string[] = [];
    for (const [index, match] of [...matches, watcher].entries()) {
      match.on("error", (error) => wrong.push(String(error)));
      match.on("tick", ({ states }) => {
        for (const [player, { bytes }] of states) {
          const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
          const sent = movers.get(player)?.sent.get(count);
          compared += 1;
          if (sent === undefined || !Buffer.from(sent).equals(bytes)) wrong.push(`state ${count} of ${player} at ${index}`);
        }
      });
    }
    await matches[1]?.rate(2);
    await watcher.rate(8);
    const events: (Uint8Array | string)[] = [];
    const heard: (Uint8Array | string)[] = [];
    matches[3]?.on("event", ({ data }) => heard.push(data));
    const timer = setInterval(() => {
      for (const match of matches) match.state(movers.get(match.player)?.move() ?? new Uint8Array());
      if (events.length >= eventCount) return;
      const bytes = Uint8Array.from({ length: Math.floor(next() ** 4 * eventSizeMax) }, () => next() * 256);
      const event = next() < 0.5 ? bytes : Buffer.from(bytes).toString("base64");
      events.push(event);
      matches[0]?.send(event, { to: next() < 0.5 ? "everyone" : (matches[3]?.player ?? 0) });
    }, 15);
    await new Promise((resolve) => setTimeout(resolve, watchMs));
    clearInterval(timer);
    for (let tries = 0; heard.length < events.length && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(wrong, []);
    assert.deepEqual(heard, events);
    assert.ok(compared > 1_000, `only ${compared} states compared`);
    context.diagnostic(`${compared} states and ${heard.length} events compared`);
    for (const match of [...matches, watcher]) match.leave();
  });
});
