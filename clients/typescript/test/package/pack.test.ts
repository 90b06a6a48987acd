/**
 * What `npm pack` gives, as somebody else would use it: installed in a fresh project, checked by
 * TypeScript, bundled by Vite, and run against the real relay; and plain, in the oldest Node that is
 * promised.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { withRelay } from "../../../../tests/integration/relay.ts";

const client = fileURLToPath(new URL("../..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "tickwire-package-"));
const installed = join(project, "node_modules/tickwire");
const run = (command: string, args: string[], cwd = project): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });

const source = `
import { type Infer, Motion, angle16, f32, join, schema, u8 } from "tickwire";
import { showNetGraph } from "tickwire/netgraph";
import { SimulatedLink } from "tickwire/simulate";

export const graph: typeof showNetGraph = showNetGraph;

const Ship = schema({ x: f32, y: f32, heading: angle16, hp: u8 });
type Ship = Infer<typeof Ship>;

export async function play(url: string): Promise<string> {
  const ann = await join(url, { schema: Ship, name: "Ann" });
  const link = new SimulatedLink({ latencyMs: 5 });
  const bo = await join(url, { schema: Ship, name: "Bo", WebSocket: link.WebSocket });
  const ships = new Motion(bo);
  const seen = new Promise<Ship>((resolve) => {
    bo.on("tick", ({ states }) => {
      const state = states.get(ann.player);
      if (state !== undefined) resolve(state.value);
    });
  });
  ann.state({ x: 1, y: 2, heading: 3, hp: 4 });
  // @ts-expect-error: a state that is not of the schema
  void (() => ann.state({ x: 1 }));
  bo.onRequest((data) => "echo " + String(data));
  const { x, y, hp } = await seen;
  if (!ann.players.has(bo.player)) await new Promise((resolve) => ann.on("joined", resolve));
  const reply = await ann.request("hello", { to: bo.player });
  const drawn = ships.draw().size;
  ann.leave();
  bo.leave();
  return JSON.stringify({ x, y, hp, reply, drawn });
}
`;
const expected = { x: 1, y: 2, hp: 4, reply: "echo hello", drawn: 1 };

before(() => {
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", project], client).replace(/^[^[]*/, "")) as [{ filename: string }];
  mkdirSync(join(project, "src"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module", private: true, dependencies: { tickwire: `file:${packed.filename}` } }));
  writeFileSync(join(project, "src/main.ts"), source);
  const compilerOptions = { target: "es2022", module: "esnext", moduleResolution: "bundler", strict: true, noEmit: true, lib: ["es2022", "dom"], types: [], exactOptionalPropertyTypes: true };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund"]);
});
after(() => rmSync(project, { recursive: true, force: true }));

test("it holds what it says: entries, types, maps whose sources are there, no dependencies", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    exports: { [entry: string]: string | { types: string; default: string } };
    dependencies?: object;
    sideEffects: boolean;
  };
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.sideEffects, false);
  for (const [entry, target] of Object.entries(manifest.exports)) {
    for (const file of typeof target === "string" ? [target] : [target.types, target.default]) {
      assert.ok(existsSync(join(installed, file)), `${entry}: ${file}`);
    }
  }
  const maps = (readdirSync(join(installed, "dist"), { recursive: true }) as string[]).filter((name) => name.endsWith(".map"));
  assert.ok(maps.length > 20);
  for (const name of maps) {
    const map = join(installed, "dist", name);
    for (const origin of (JSON.parse(readFileSync(map, "utf8")) as { sources: string[] }).sources) {
      assert.ok(existsSync(join(dirname(map), origin)), `${name}: ${origin}`);
    }
  }
});

test("its types hold in a strict project", () => {
  const tsc = join(client, "node_modules/.bin/tsc");
  assert.equal(run(tsc, ["-p", project]), "");
});

test("Vite bundles it, and the bundle plays", async () => {
  await build({
    root: project,
    configFile: false,
    logLevel: "error",
    build: { target: "es2022", sourcemap: true, lib: { entry: "src/main.ts", formats: ["es"], fileName: "main" } },
  });
  assert.ok(existsSync(join(project, "dist/main.js.map")));
  await withRelay(["--listen", "127.0.0.1:0"], async (relay) => {
    const { play } = (await import(join(project, "dist/main.js"))) as { play(url: string): Promise<string> };
    assert.deepEqual(JSON.parse(await play(`${relay.url()}/v1/match/vite`)), expected);
  });
});

test("Node without a WebSocket of its own takes npm's ws", async () => {
  const ws = join(client, "node_modules/ws/wrapper.mjs");
  const script = `
    delete globalThis.WebSocket;
    import { join, schema, f32 } from "tickwire";
    const { WebSocket } = await import(${JSON.stringify(ws)});
    const code = await join(process.argv[1]).then(() => "joined", (error) => error.code);
    const match = await join(process.argv[1], { WebSocket, schema: schema({ x: f32 }) });
    const own = new Promise((resolve) => match.on("tick", ({ states }) => states.has(match.player) && resolve(states.get(match.player).value)));
    match.state({ x: 7 });
    console.log(JSON.stringify({ code, own: await own }));
    match.leave();
  `;
  // Whatever Node the machine has besides the one that runs the tests: Debian's is 18, others' 20.
  const [major = 0] = run("node", ["--version"]).slice(1).split(".").map(Number);
  const node = major >= 20 ? "node" : process.execPath;
  await withRelay(["--listen", "127.0.0.1:0"], async (relay) => {
    const said = run(node, ["--input-type=module", "-e", script, `${relay.url()}/v1/match/node`]);
    assert.deepEqual(JSON.parse(said), { code: "bad_argument", own: { x: 7 } });
  });
});
