/**
 * Phase lock from end to end, through the real relay: how old a state is when it reaches the others,
 * counted from the `match.state()` call that supplied its bytes.
 *
 * All clients live in this process and share its clock. Without phase lock a state waits for the tick
 * as chance has it, so the senders begin at moments spread evenly over the interval.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withRelay } from "../../../../tests/integration/relay.ts";
import { type Match, join } from "../../src/index.ts";

const senderCount = 8;
const callMs = 4;
const warmUpMs = 2_000;
const watchMs = Number(process.env["TICKWIRE_WATCH_MS"] ?? 8_000);
/** What the issue asks for. */
const shareMax = 0.4;
/** A margin that 19 of 20 stay inside may let so many states miss their tick, and a few that a busy machine delays. */
const missedShareMax = 0.1;
/** Rounds in a set, of which the middle one counts, and how many sets a machine gets that is busy with something else. */
const rounds = 3;
const setsMax = 2;

interface Ages {
  median: number;
  p95: number;
  /** Ticks without a state of a sender that could have had one. */
  missedShare: number;
}

async function measure(url: string, tickHz: number, phaseLock: boolean): Promise<Ages> {
  const receiver = await join(url);
  const senders: Match[] = [];
  const timers: NodeJS.Timeout[] = [];
  for (let index = 0; index < senderCount; index += 1) {
    const match = await join(url, { phaseLock });
    senders.push(match);
    const intervalMs = 1_000 / tickHz;
    const phaseMs = (intervalMs * index) / senderCount - (performance.now() % intervalMs);
    await new Promise((resolve) => setTimeout(resolve, phaseMs + intervalMs));
    timers.push(setInterval(() => match.state(new Uint8Array(Float64Array.of(performance.now()).buffer)), callMs));
  }
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const ages: number[] = [];
  receiver.on("tick", ({ keyframe, states }) => {
    const now = performance.now();
    if (keyframe) return;
    for (const { bytes } of states.values()) ages.push(now - (new Float64Array(bytes.slice().buffer)[0] ?? 0));
  });
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const marginMs = Math.max(...senders.map(({ stats }) => stats.phaseMarginMs ?? Infinity));
  if (phaseLock) assert.ok(marginMs >= 2 && marginMs < Infinity, `a margin of ${marginMs} ms`);
  for (const timer of timers) clearInterval(timer);
  for (const match of [receiver, ...senders]) match.leave();
  ages.sort((a, b) => a - b);
  const at = (share: number): number => ages[Math.floor((ages.length - 1) * share)] ?? NaN;
  return { median: at(0.5), p95: at(0.95), missedShare: 1 - ages.length / ((senderCount * watchMs * tickHz) / 1_000) };
}

const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

for (const tickHz of [20, 30]) {
  test(`at ${tickHz} Hz the median age is at most ${shareMax * 100} % of what it is without`, async (context) => {
    await withRelay(["--listen", "127.0.0.1:0", "--tick-hz", String(tickHz)], async (relay) => {
      const said: string[] = [];
      for (let set = 0; set < setsMax; set += 1) {
        const shares: number[] = [];
        const missed: number[] = [];
        for (let round = 0; round < rounds; round += 1) {
          const off = await measure(`${relay.url()}/v1/match/off-${set}-${round}`, tickHz, false);
          const on = await measure(`${relay.url()}/v1/match/on-${set}-${round}`, tickHz, true);
          const show = ({ median, p95, missedShare }: Ages): string =>
            `median ${median.toFixed(1)}, p95 ${p95.toFixed(1)} ms, ${(100 * missedShare).toFixed(1)} % missed`;
          context.diagnostic(`${tickHz} Hz: off ${show(off)}; on ${show(on)}; ${((100 * on.median) / off.median).toFixed(0)} %`);
          shares.push(on.median / off.median);
          missed.push(on.missedShare);
        }
        const [share, missedShare] = [middle(shares), middle(missed)];
        if (share <= shareMax && missedShare <= missedShareMax) return;
        said.push(`${share.toFixed(2)} with ${missedShare.toFixed(2)} missed`);
      }
      assert.fail(`at most ${shareMax} with at most ${missedShareMax} missed is wanted: ${said.join("; ")}`);
    });
  });
}
