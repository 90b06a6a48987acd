/** `proto/vectors/scenarios.json`: a whole `Match` is told each story, and is asked what it knows after each step. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Match, join } from "../src/index.ts";
import { FakeClock, type FakeSocket, fakeSockets, neverHidden, settle } from "./fakes.ts";

type Bytes = string | { repeat: string; times: number } | Bytes[];
interface Step {
  step: string;
  receive: { text: string } | { binary: Bytes };
  after: {
    player: number;
    tick: number;
    seen_event: number;
    players: number[];
    states: { [player: string]: Bytes };
    events: { number: number; from: number; text: boolean; body: Bytes }[];
  };
}

const { cases } = JSON.parse(readFileSync(new URL("../../../proto/vectors/scenarios.json", import.meta.url), "utf8")) as {
  cases: { name: string; steps: Step[] }[];
};

for (const { name, steps } of cases) {
  test(`scenario ${name}`, async () => {
    const story = new Story();
    for (const { step, receive, after } of steps) {
      const events = await story.tell(receive);
      const { match } = story;
      assert.ok(match !== null, step);
      assert.equal(story.error, null, step);
      assert.equal(match.player, after.player, step);
      assert.equal(match.tick, after.tick, step);
      assert.equal(match.newestEvent, after.seen_event, step);
      assert.deepEqual([...match.players.keys()].sort((a, b) => a - b), after.players, step);
      assert.deepEqual(story.states, Object.fromEntries(Object.entries(after.states).map(([key, bytes]) => [key, hex(bytes)])), step);
      assert.deepEqual(events, after.events.map(({ number, from, text, body }) => ({ number, from, text, body: hex(body) })), step);
    }
    story.match?.leave();
  });
}

class Story {
  match: Match | null = null;
  error: Error | null = null;
  states: { [player: string]: string } = {};
  readonly #clock = new FakeClock();
  readonly #fake = fakeSockets();
  #events: { number: number; from: number; text: boolean; body: string }[] = [];
  #sent = 0;
  #joining: Promise<Match> | null = null;

  async tell(receive: Step["receive"]): Promise<unknown[]> {
    this.#events = [];
    const isWelcome = "text" in receive && receive.text.includes('"op":"welcome"');
    const socket = isWelcome ? await this.#connect((JSON.parse(receive.text) as { events_taken: number }).events_taken) : this.#fake.last();
    if ("text" in receive) socket.text(receive.text);
    else socket.binary(new Uint8Array(Buffer.from(hex(receive.binary), "hex")));
    if (this.match === null && this.#joining !== null) {
      this.match = await this.#joining;
      this.#listen(this.match);
    }
    return this.#events;
  }

  async #connect(eventsTaken: number): Promise<FakeSocket> {
    this.states = {};
    if (this.match === null) {
      this.#joining = join("ws://test/v1/match/a", { WebSocket: this.#fake.WebSocket, visibility: neverHidden, backoff: { random: () => 0 } });
      await settle();
    } else {
      // The story tells what the relay has taken, so it must have been sent.
      for (; this.#sent < eventsTaken; this.#sent += 1) this.match.send("mine");

      this.#fake.last().end(1006);
      await this.#clock.advance(1);
    }
    this.#fake.last().open();
    return this.#fake.last();
  }

  #listen(match: Match): void {
    match.on("error", (error) => (this.error = error));
    match.on("event", ({ number, from, data }) => {
      const text = typeof data === "string";
      this.#events.push({ number, from, text, body: Buffer.from(data as string).toString("hex") });
    });
    match.on("roster", ({ change }) => {
      if (change?.op === "left") delete this.states[change.player];
    });
    match.on("tick", ({ keyframe, states }) => {
      if (keyframe) this.states = {};
      for (const [player, { bytes }] of states) this.states[player] = Buffer.from(bytes).toString("hex");
    });
  }
}

function hex(value: Bytes): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(hex).join("");
  return value.repeat.repeat(value.times);
}
