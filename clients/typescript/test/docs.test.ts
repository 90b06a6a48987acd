/** The pages do not lie: every example passes the type checker, and the size table is what is measured. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { measure, table, tableInReadme } from "../tools/size.ts";
import { examples } from "./examples.ts";

const client = fileURLToPath(new URL("..", import.meta.url));

/** What the examples take for granted. */
const prelude = `
declare function draw(states: unknown): void;
declare function drawShip(player: number, x: number, y: number): void;
declare function sendInput(seq: number, input: unknown): void;
declare function showMessage(text: string): void;
declare function fade(player: number, away: boolean): void;
declare function remove(player: number): void;
declare function simulate(seconds: number): void;
declare const bytes: Uint8Array;
declare const player: number;
declare module "phaser";
declare module "pixi.js";
declare module "three";
`;

/** How wrappers of the package are written. */
const typed = `
import { type JoinOptions, type Match, f32, join, schema } from "tickwire";
const Ship = schema({ x: f32 });
export type TakesShips = (match: Match<{ x: number }>, ...rest: any[]) => unknown;
export const enter = <State>(options: JoinOptions<State>): Promise<Match<State>> => join("wss://play.example/v1/match/a", { name: "Ann", ...options });
export const ships: Promise<Match<{ x: number }>> = enter({ schema: Ship });
export const bytes: Promise<Match> = join("wss://play.example/v1/match/a", { name: "Ann" });
`;

test("every example in the README and the guide is good TypeScript", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tickwire-docs-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const all = examples();
  assert.ok(all.length >= 15, `only ${all.length} examples`);
  for (const { name, code } of all) writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {};\n`);
  writeFileSync(join(folder, "prelude.d.ts"), prelude);
  // What the pages offer to every match takes a match with a schema, too.
  const helpers = all.flatMap(({ name, code }) => [...code.matchAll(/^export (?:async )?function (\w+)\(match: Match/gm)].map(([, helper = ""]) => ({ name, helper })));
  assert.ok(helpers.length >= 8, `only ${helpers.length} helpers`);
  const taking = helpers.map(({ name, helper }, index) => `import { ${helper} as helper${index} } from "./${name}.ts";\nexport const takes${index}: TakesShips = helper${index};`);
  writeFileSync(join(folder, "helpers.ts"), [typed, ...taking].join("\n"));
  const compilerOptions = {
    target: "es2022", module: "esnext", moduleResolution: "bundler", strict: true, noEmit: true, lib: ["es2022", "dom", "dom.iterable"],
    types: [], allowImportingTsExtensions: true, skipLibCheck: true, paths: { tickwire: [join(client, "src/index.ts")], "tickwire/*": [join(client, "src/*/index.ts")] },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  try {
    execFileSync(join(client, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  }
});

test("links in the README and the guide lead somewhere", () => {
  for (const page of ["README.md", ...readdirSync(join(client, "guide")).map((name) => `guide/${name}`)]) {
    for (const [, target = ""] of readFileSync(join(client, page), "utf8").matchAll(/\]\(([^)#]+)\)/g)) {
      assert.ok(/^https?:/.test(target) || existsSync(join(client, page, "..", target)), `${page}: ${target}`);
    }
  }
});

const sizes = measure();

test("the size table in the README is what is measured", async () => {
  assert.equal(tableInReadme(), table(await sizes), "npm run size -- --write brings it up to date");
});

test("the core takes a page at most 8 KB", async () => {
  const [core] = await sizes;
  assert.match(core?.what ?? "", /the core/);
  assert.ok(core!.gzip <= 8 * 1_024, `${core!.gzip} bytes`);
});
