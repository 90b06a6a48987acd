/**
 * The examples of the guide, as they stand there, against the real relay: each is loaded, and what it exports
 * is called and does what the page says. (The recipes need their engines and a browser: `docs.test.ts` checks
 * their types. The net graph plays in Chromium, in tests/browser.)
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { Relay } from "../../../../tests/integration/relay.ts";
import { waitFor } from "../../../../tests/browser/wait.ts";
import { type Match, join } from "../../src/index.ts";
import { examples } from "../examples.ts";

const patienceMs = 10_000;
const url = (path: string): string => new URL(path, import.meta.url).href;
const folder = mkdtempSync(joinPath(tmpdir(), "tickwire-guide-"));

/** What the examples take for granted, and what came of it. */
const said: unknown[][] = [];
const hook = (name: string) => (...values: unknown[]): void => void said.push([name, ...values]);
const line = { textContent: "" };
const frames: ((now: number) => void)[] = [];
const page = new EventTarget();
const hooks = {
  drawShip: hook("drawShip"), sendInput: hook("sendInput"), showMessage: hook("showMessage"), fade: hook("fade"), remove: hook("remove"), simulate: hook("simulate"),
  requestAnimationFrame: (frame: (now: number) => void) => frames.push(frame),
  document: { hidden: true, createElement: () => line },
  addEventListener: page.addEventListener.bind(page),
  matches: [] as Match[],
  fetch: async () => new Response("no ticket is asked for"),
};

let relay: Relay;
let ann: Match;
let bo: Match;
const played = new Set<string>();

before(async () => {
  relay = await Relay.start("--listen", "127.0.0.1:0");
  Object.assign(globalThis, { guide: hooks });
  const address = `${relay.url()}/v1/match/guide`;
  [ann, bo] = [await join(address, { name: "Ann" }), await join(address, { name: "Bo" })];
});
after(async () => {
  for (const match of [ann, bo, ...hooks.matches]) match?.leave();
  rmSync(folder, { recursive: true, force: true });
  await relay?.finish();
});

/** Loads the one example of a page that holds these words. */
async function load<Exports>(guide: string, words: string): Promise<Exports> {
  const found = examples().filter(({ page, code }) => page === `guide/${guide}.md` && code.includes(words));
  assert.equal(found.length, 1, `${guide}: ${words}`);
  const { code } = found[0]!;
  played.add(code);
  const file = joinPath(folder, `example-${played.size}.ts`);
  const text = code
    .replace('"tickwire"', JSON.stringify(url("../../src/index.ts")))
    .replace('"tickwire/simulate"', JSON.stringify(url("../../src/simulate/index.ts")))
    .replace("wss://play.example", relay.url());
  // What an example declares itself is not handed in.
  const names = Object.keys(hooks).filter((name) => name !== "matches").filter((name) => !new RegExp(`(function|const|let) ${name}\\b`).test(code));
  const leaves = code.includes("const match = await join") ? "globalThis.guide.matches.push(match);" : "";
  writeFileSync(file, `const { ${names.join(", ")} } = globalThis.guide;\n${text}\n${leaves}\nexport {};\n`);
  return (await import(file)) as Exports;
}

const until = (what: string, condition: () => boolean): Promise<boolean> => waitFor(what, patienceMs, condition, Boolean);
const heard = (name: string, test: (...values: never[]) => boolean): Promise<boolean> =>
  until(name, () => said.some(([called, ...values]) => called === name && test(...(values as never[]))));

test("state and events", async () => {
  await load("state-and-events", "fixed(0, 2_000),          //");
  const data: string[] = [];
  for (const match of [ann, bo]) match.on("event", (event) => data.push(`${match === ann ? "Ann" : "Bo"}: ${String(event.data)}`));
  const { talk } = await load<{ talk(match: Match, player: number): void }>("state-and-events", "export function talk");
  talk(ann, bo.player);
  await until("what was said is heard", () => data.length === 5);
  // Ann came first, and so is the host.
  assert.deepEqual(data.sort(), ["Ann: 1,2,3", "Ann: who is next?", "Bo: 1,2,3", "Bo: hello", 'Bo: {"kind":"gift","gold":5}']);
  const { buy } = await load<{ buy(match: Match): Promise<string> }>("state-and-events", "export async function buy");
  await buy(ann);
  assert.equal(await buy(bo), `sold to ${bo.player}: a sword`);
  const { nextRound } = await load<{ nextRound(match: Match): Promise<void> }>("state-and-events", "nextRound");
  await nextRound(ann);
  await until("the round is known", () => bo.properties.get("round") === 1);
});

test("time", async () => {
  const { countdown } = await load<{ countdown(match: Match): void }>("time", "export function countdown");
  await until("the match's time is known", () => ann.time !== null);
  const started = new Promise<number>((resolve) => ann.on("event", (event) => resolve((event.json() as { at: number }).at)));
  countdown(ann);
  assert.ok((await started) > (ann.time ?? Infinity));
  await load("time", "new Motion(match, {");
  const mover = await join(`${relay.url()}/v1/match/arena-7`, { name: "mover" });
  hooks.matches.push(mover);
  mover.state(new Uint8Array(8).fill(1));
  await until("the mover is drawn", () => {
    for (const frame of frames.splice(0)) frame(performance.now());
    return said.some(([called, player]) => called === "drawShip" && player === mover.player);
  });
  const { onInput, onHost } = await load<{ onInput(input: object): void; onHost(state: object, seq: number): void }>("time", "new Prediction<");
  onInput({ left: false, right: true });
  onInput({ left: false, right: true });
  const [, first] = said.find(([called]) => called === "sendInput") ?? [];
  // The host has taken the first of two: from where it says, one step of 4 to the right.
  onHost({ x: 100, speed: 4 }, first as number);
  await heard("drawShip", (player, x) => player === 0 && x === 104);
});

test("reconnecting", async () => {
  const guest = await join(`${relay.url()}/v1/match/guide`, { name: "guest" });
  const { watch } = await load<{ watch(match: Match): void }>("reconnecting", "export function watch");
  watch(bo);
  watch(guest);
  const { leaveWithPage } = await load<{ leaveWithPage(match: Match): void }>("reconnecting", "leaveWithPage");
  leaveWithPage(guest);
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  assert.equal(guest.status, "connected");
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: false }));
  await heard("showMessage", (text) => text === "over: left");
  await heard("remove", (player) => player === guest.player);
  const { match } = await load<{ match: Match }>("reconnecting", "const ticket = async");
  assert.equal(match.status, "connected");
});

test("hidden tabs, trust, bad links", async () => {
  const { run } = await load<{ run(match: Match): void }>("hidden-tabs", "export function run");
  run(ann);
  bo.state(Uint8Array.of(1));
  await heard("simulate", (seconds: number) => seconds > 0 && seconds <= 0.25);
  const { chat } = await load<{ chat(match: Match, list: { append(one: object): void }): void }>("trust", "export function chat");
  chat(bo, { append: hook("append") });
  ann.send("<b>hello</b>");
  await heard("append", (added) => added === line && line.textContent === "Ann: <b>hello</b>");
  await load("bad-links", "new SimulatedLink(presets.train)");
  const simulated = hooks.matches.at(-1)!;
  await until("it comes back by itself", () => simulated.status === "connected" && simulated.stats.reconnects > 0);
});

test("no example of the guide is left out", () => {
  const left = examples().filter(({ page, code }) => page.startsWith("guide/") && page !== "guide/recipes.md" && !code.includes("showNetGraph") && !played.has(code));
  assert.deepEqual(left, []);
});
