import assert from "node:assert/strict";
import { test } from "node:test";
import { type StateEntry, keyframeFlag } from "../src/protocol.ts";
import { StateTable } from "../src/states.ts";

const everyone = new Map([[1, null], [2, null]]);
const tableOf = (): StateTable => new StateTable(undefined, () => assert.fail("there is no schema"));
const arrival = (wait: number): number => 990 - wait / 8;
const full = (player: number, ...body: number[]): StateEntry => ({ player, seq: 0, wait: 0, delta: false, body: Uint8Array.from(body) });
const delta = (player: number, ...body: number[]): StateEntry => ({ ...full(player, ...body), delta: true });
const tick = (states: StateEntry[], flags = 0) => ({ flags, tick: 1, states });

test("what the application does with its bytes does not reach the baseline", () => {
  const table = tableOf();
  table.apply(tick([full(1, 10, 20, 30)]), everyone, 1_000, arrival).get(1)?.bytes.fill(0);
  assert.deepEqual(table.apply(tick([delta(1, 0b001, 11)]), everyone, 1_000, arrival).get(1)?.bytes, Uint8Array.of(11, 20, 30));
});

test("a delta without a baseline is refused: at first, after a keyframe without the player, after left", () => {
  const refused = (table: StateTable): void => assert.throws(() => table.apply(tick([delta(1)]), everyone, 1_000, arrival), { code: "protocol" });
  const table = tableOf();
  refused(table);
  table.apply(tick([full(1, 1), full(2, 2)]), everyone, 1_000, arrival);
  table.apply(tick([full(2, 2)], keyframeFlag), everyone, 1_000, arrival);
  refused(table);
  table.apply(tick([full(1, 1)]), everyone, 1_000, arrival);
  table.drop(1);
  refused(table);
});

test("a state of someone who is not in the match, or two of one player, are refused", () => {
  const table = tableOf();
  assert.throws(() => table.apply(tick([full(1, 1)]), new Map(), 1_000, arrival), { code: "protocol" });
  assert.throws(() => table.apply(tick([full(1, 1), full(1, 2)]), everyone, 1_000, arrival), { code: "protocol" });
});
