/** Schemas: what is packed comes back, within a step; what is foreign does not get through. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Infer, angle16, angle8, bool, f32, f64, fixed, flags, i16, i32, i8, json, oneOf, schema, text, u16, u24, u32, u8, vec } from "../src/index.ts";
import { encodeDelta } from "../src/delta.ts";
import { random } from "./random.ts";

const Everything = schema({
  a: u8, b: u16, c: u24, d: u32, e: i8, f: i16, g: i32, h: f32, i: f64,
  place: schema({ x: fixed(-100, 100), y: fixed(0, 1, 8), z: fixed(0, 1_000, 24) }),
  turn: angle16, tilt: angle8, alive: bool, keys: flags("up", "down", "fire"),
  team: oneOf("red", "blue"), name: text(10), path: vec(3, i16),
});
type Everything = Infer<typeof Everything>;

function sample(next: () => number): Everything {
  const whole = (low: number, high: number): number => Math.floor(low + next() * (high - low + 1));
  return {
    a: whole(0, 255), b: whole(0, 65_535), c: whole(0, 0xff_ffff), d: whole(0, 0xffff_ffff),
    e: whole(-128, 127), f: whole(-32_768, 32_767), g: whole(-0x8000_0000, 0x7fff_ffff),
    h: Math.fround(next() * 1e6), i: next(),
    place: { x: next() * 200 - 100, y: next(), z: next() * 1_000 },
    turn: next() * 2 * Math.PI, tilt: next() * 2 * Math.PI, alive: next() < 0.5,
    keys: { up: next() < 0.5, down: next() < 0.5, fire: next() < 0.5 },
    team: next() < 0.5 ? "red" : "blue", name: "Zoë🙂".slice(0, whole(0, 3)), path: [whole(-9, 9), whole(-9, 9), whole(-9, 9)],
  };
}

test("what is packed comes back: exactly, or within half a step", () => {
  const next = random(7);
  for (let round = 0; round < 500; round += 1) {
    const state = sample(next);
    const bytes = Everything.encode(state);
    assert.equal(bytes.length, Everything.size);
    const back = Everything.decode(bytes);
    assert.ok(back !== null);
    const near = (a: number, b: number, step: number): void => assert.ok(Math.abs(a - b) <= step / 2 + 1e-9, `${a} and ${b}`);
    const around = (a: number, b: number, step: number): void => near(Math.cos(a - b), 1, step);
    near(back.place.x, state.place.x, 200 / 65_535);
    near(back.place.y, state.place.y, 1 / 255);
    near(back.place.z, state.place.z, 1_000 / 0xff_ffff);
    around(back.turn, state.turn, 1e-6);
    around(back.tilt, state.tilt, 1e-3);
    assert.deepEqual({ ...back, place: state.place, turn: state.turn, tilt: state.tilt }, state);
    // And what came back is packed into the same bytes, so that a relayed copy of it has no delta.
    assert.deepEqual(Everything.encode(back), bytes);
  }
});

test("numbers are clamped, no number is 0, angles turn, text is cut between characters", () => {
  const Small = schema({ n: u8, m: i8, x: fixed(0, 10), a: angle8, t: text(4) });
  const back = (n: number, m: number, x: number, a: number, t: string) => Small.decode(Small.encode({ n, m, x, a, t }));
  assert.deepEqual(back(300, -300, 11, 2 * Math.PI, "abcdef"), { n: 255, m: -128, x: 10, a: 0, t: "abcd" });
  assert.deepEqual(back(-1, 300, -1, -Math.PI / 2, "abc€"), { n: 0, m: 127, x: 0, a: Math.PI * 1.5, t: "abc" });
  assert.deepEqual(back(NaN, NaN, NaN, NaN, ""), { n: 0, m: 0, x: 0, a: 0, t: "" });
});

test("foreign bytes are no state", () => {
  const Team = schema({ team: oneOf("red", "blue"), name: text(2) });
  const bytes = Team.encode({ team: "blue", name: "x" });
  assert.deepEqual(Team.decode(bytes), { team: "blue", name: "x" });
  assert.equal(Team.decode(bytes.subarray(1)), null);
  assert.equal(Team.decode(Uint8Array.of(...bytes, 0)), null);
  assert.equal(Team.decode(Uint8Array.of(2, 0, 0, 0)), null);
  assert.equal(Team.decode(Uint8Array.of(0, 3, 0, 0)), null);
  const next = random(3);
  for (let round = 0; round < 1_000; round += 1) {
    const foreign = Uint8Array.from({ length: Everything.size }, () => next() * 256);
    const state = Everything.decode(foreign);
    if (state !== null) assert.ok(Everything.decode(Everything.encode(state)) !== null);
  }
});

test("what cannot be packed is an error with a code", () => {
  const bad = { code: "bad_argument" };
  assert.throws(() => schema({ a: oneOf("x") }).encode({ a: "y" as "x" }), bad);
  assert.throws(() => schema({ a: vec(2, u8) }).encode({ a: [1] }), bad);
  assert.throws(() => text(256), bad);
  assert.throws(() => flags(), bad);
});

test("between two states numbers glide, angles go the short way, and the rest steps", () => {
  const Ship = schema({ x: f32, heading: angle16, alive: bool, name: text(3), at: vec(2, f32) });
  const older = { x: 0, heading: 6, alive: true, name: "a", at: [0, 10] };
  const newer = { x: 10, heading: 0.2, alive: false, name: "b", at: [10, 20] };
  const half = Ship.mix(older, newer, 0.5);
  assert.deepEqual({ ...half, heading: 0 }, { x: 5, heading: 0, alive: true, name: "a", at: [5, 15] });
  assert.ok(Math.abs(half.heading - (6 + (0.2 + 2 * Math.PI - 6) / 2)) < 1e-9);
  assert.deepEqual(Ship.mix(older, newer, 1.5).at, [15, 25]);
  assert.equal(Ship.mix(older, newer, 1).name, "b");
});

test("a small movement is a small delta", () => {
  const Ship = schema({ x: fixed(0, 2_000), y: fixed(0, 2_000), heading: angle16, name: text(20) });
  const before = Ship.encode({ x: 100, y: 200, heading: 1, name: "Ann" });
  const after = Ship.encode({ x: 101, y: 200, heading: 1, name: "Ann" });
  const delta = encodeDelta(before, after);
  assert.ok(delta !== null && delta.length <= Math.ceil(Ship.size / 8) + 2, `${delta?.length} bytes`);
});

test("json is a codec, too", () => {
  const codec = json<{ x: number }>();
  assert.deepEqual(codec.decode(codec.encode({ x: 1 })), { x: 1 });
  assert.equal(codec.decode(Uint8Array.of(1)), null);
});
