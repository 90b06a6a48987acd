/** Phase lock and the sender under a clock that the test moves: a relay that is simulated to the slot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PhaseLock } from "../src/phase.ts";
import { StateSender } from "../src/state_sender.ts";
import { FakeClock } from "./fakes.ts";
import { random } from "./random.ts";

interface World {
  tickHz: number;
  /** The way to the relay, by the time of sending. */
  upMs(now: number, chance: number): number;
  /** How much faster the relay's clock runs. */
  drift?: number;
  phaseLock?: boolean;
  slotMs?: number;
}

/** A game that calls at every 4 ms for some seconds; the ages of its states at the ticks that took them, by second. */
async function play({ tickHz, upMs, drift = 0, phaseLock = true, slotMs = 2 }: World, seconds: number) {
  const clock = new FakeClock();
  const chance = random(tickHz);
  const intervalMs = 1_000 / tickHz;
  const relayTime = (now: number): number => now * (1 + drift) + 7.3;
  const inFlight: { seq: number; arrivesAt: number; madeAt: number }[] = [];
  let seq = 0;
  let madeAt = 0;
  const sender = new StateSender({
    ready: () => true,
    send: (_, now) => {
      seq += 1;
      inFlight.push({ seq, arrivesAt: relayTime(now + upMs(now, chance())), madeAt });
      return seq;
    },
  });
  sender.connected(tickHz, phaseLock);
  const { phase } = sender;
  const begin = clock.now();
  const ages: number[][] = [];
  let tick = Math.ceil(relayTime(begin) / intervalMs);
  let missed = 0;
  while (clock.now() < begin + seconds * 1_000) {
    madeAt = clock.now();
    const state = Uint8Array.of(1);
    sender.set(() => state, false);
    await clock.advance(4);
    for (; tick * intervalMs <= relayTime(clock.now()); tick += 1) {
      const due = tick * intervalMs;
      const arrived = inFlight.filter(({ arrivesAt }) => arrivesAt <= due);
      const taken = arrived.at(-1);
      inFlight.splice(0, arrived.length);
      if (taken === undefined) {
        missed += 1;
        continue;
      }
      // The relay notices at the end of the slot.
      const noticed = Math.min(due, due - Math.floor((due - taken.arrivesAt) / slotMs) * slotMs);
      phase.seen(taken.seq, tick, Math.min(255, Math.floor(((due - noticed) * 256) / intervalMs)), clock.now());
      (ages[Math.floor((clock.now() - begin) / 1_000)] ??= []).push((due - relayTime(taken.madeAt)) / (1 + drift));
    }
  }
  const median = (second: number): number => ages[second]?.sort((a, b) => a - b)[Math.floor((ages[second]?.length ?? 0) / 2)] ?? NaN;
  return { median, phase, missed, sent: seq };
}

for (const tickHz of [20, 30, 60]) {
  test(`at ${tickHz} Hz states leave so that they arrive a slot or two before the tick`, async () => {
    const { median, phase, missed, sent } = await play({ tickHz, upMs: (_, chance) => 20 + chance }, 6);
    // The way of 20 ms, up to 4 ms that a state is old when it leaves, and the margin.
    assert.ok(median(5) < 20 + 4 + 5, `${median(5)} ms`);
    assert.ok(phase.marginMs !== null && phase.marginMs >= 2 && phase.marginMs < 5, `${phase.marginMs} ms`);
    assert.ok(missed <= 6 * tickHz * 0.05, `${missed} ticks without a state`);
    assert.ok(Math.abs(sent - 6 * tickHz) <= 6, `${sent} sent in 6 s`);
  });
}

test("the margin covers the jitter that 19 of 20 stay inside", async () => {
  const { phase, missed } = await play({ tickHz: 20, upMs: (_, chance) => 10 + chance * 20 }, 10);
  assert.ok(phase.marginMs !== null && phase.marginMs >= 6 && phase.marginMs <= 20, `${phase.marginMs} ms`);
  assert.ok(missed <= 200 * 0.1, `${missed} of 200 ticks without a state`);
});

test("jitter beyond the interval is not waited for in vain", async () => {
  const { phase } = await play({ tickHz: 60, upMs: (_, chance) => 10 + chance * 100 }, 5);
  assert.ok((phase.marginMs ?? 0) <= 0.5 * (1_000 / 60) + 1e-9, `${phase.marginMs} ms`);
});

test("a drift of the clocks and a longer way are followed", async () => {
  const drifting = await play({ tickHz: 30, upMs: () => 10, drift: 0.001 }, 20);
  assert.ok(drifting.median(19) < 10 + 4 + 5, `${drifting.median(19)} ms`);
  const longer = await play({ tickHz: 30, upMs: (now) => (now < 6_000 ? 10 : 25) }, 15);
  assert.ok(longer.median(14) < 25 + 4 + 5, `${longer.median(14)} ms`);
});

test("without phase lock a call sends at once, at the rate of the ticks", async () => {
  const { sent, phase } = await play({ tickHz: 30, upMs: () => 10, phaseLock: false }, 10);
  assert.equal(phase.marginMs, null);
  assert.ok(Math.abs(sent - 300) <= 2, `${sent} sent in 10 s`);
});

test("a wait of 255 is no sample, and a lock without samples is lost", () => {
  const phase = new PhaseLock(20);
  for (let seq = 0; seq < 20; seq += 1) {
    phase.sent(seq, seq * 50, 0);
    phase.seen(seq, seq + 1, 255, seq * 50 + 50);
  }
  assert.equal(phase.nextAt(1_000), null);
  for (let seq = 20; seq < 40; seq += 1) {
    phase.sent(seq, seq * 50, 0);
    phase.seen(seq, seq + 1, 128, seq * 50 + 50);
  }
  // Taken 25 ms before the tick, and there for half a slot by then: the margin is the slot alone.
  assert.equal(phase.marginMs, 2);
  assert.equal(((phase.nextAt(2_001) ?? 0) + 2) % 50, 26);
  assert.equal(phase.nextAt(2_001 + 4_000), null);
});

test("a function is asked at the moment of sending, once a tick, and may have nothing to send", async () => {
  const clock = new FakeClock();
  const sent: number[] = [];
  const sender = new StateSender({ ready: () => true, send: (body) => sent.push(body[0] ?? -1) });
  sender.connected(20, false);
  let count = 0;
  sender.set(() => ((count += 1) % 2 === 0 ? null : Uint8Array.of(count)), true);
  await clock.advance(1_000);
  assert.ok(count >= 15 && count <= 21, `asked ${count} times in 20 ticks`);
  assert.deepEqual(sent, Array.from({ length: Math.ceil(count / 2) }, (_, index) => 2 * index + 1));
  sender.stop();
  await clock.advance(1_000);
  assert.ok(count <= 21);
});
