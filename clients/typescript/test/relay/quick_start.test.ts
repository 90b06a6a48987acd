/** The README's quick start, as it stands there, against the real relay. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { withRelay } from "../../../../tests/integration/relay.ts";
import { join } from "../../src/index.ts";
import { examples } from "../examples.ts";

test("the quick start in the README plays", async (context) => {
  const [quickStart] = examples();
  assert.equal(quickStart?.page, "README.md");
  const folder = mkdtempSync(joinPath(tmpdir(), "tickwire-quick-start-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await withRelay(["--listen", "127.0.0.1:0"], async (relay) => {
    const other = await join(`${relay.url()}/v1/match/arena-7`, { name: "Bo" });
    other.onRequest((data, from) => `${data.length} bytes from ${from}`);
    const heard: unknown[] = [];
    const states: unknown[] = [];
    other.on("event", ({ data }) => heard.push(data));
    const drawn: { bytes: Uint8Array; seq: number; age: number }[][] = [];
    const hooks = { draw: (now: Map<number, (typeof drawn)[0][0]>) => drawn.push([...now.values()]), bytes: Uint8Array.of(1, 2, 3), player: other.player };
    (globalThis as unknown as { quickStart: typeof hooks }).quickStart = hooks;
    const code = (quickStart?.code ?? "")
      .replace('"tickwire"', JSON.stringify(new URL("../../src/index.ts", import.meta.url).href))
      .replace("wss://play.example", relay.url());
    const file = joinPath(folder, "quick_start.ts");
    writeFileSync(file, `const { draw, bytes, player } = globalThis.quickStart;\n${code}\nexport { match, reply };\n`);
    const seen = new Promise<void>((resolve) => other.on("tick", (tick) => (states.push(...tick.states.values()), resolve())));
    const { match, reply } = (await import(file)) as { match: Awaited<ReturnType<typeof join>>; reply: unknown };
    await seen;
    for (let tries = 0; drawn.flat().length === 0 && tries < 100; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(reply, `3 bytes from ${match.player}`);
    assert.deepEqual(heard, [Uint8Array.of(1, 2, 3)]);
    const own = drawn.flat()[0];
    assert.deepEqual(own?.bytes, Uint8Array.of(1, 2, 3));
    assert.ok(own !== undefined && Number.isInteger(own.seq) && own.age >= 0 && own.age < 1_000, JSON.stringify(own));
    match.leave();
    other.leave();
  });
});
