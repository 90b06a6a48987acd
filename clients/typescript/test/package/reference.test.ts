/** The API reference: made without a warning, with a page for each thing that a program imports. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { withRelay } from "../../../../tests/integration/relay.ts";

const script = fileURLToPath(new URL("../../reference/build.sh", import.meta.url));

test("the reference has a page for each name, and no warning", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tickwire-reference-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const said = execFileSync(script, [folder], { encoding: "utf8", stdio: "pipe", timeout: 300_000 });
  assert.doesNotMatch(said, /warning/i);
  const pages = ["functions/join", "functions/schema", "classes/Match", "classes/Motion", "classes/Prediction", "interfaces/JoinOptions", "interfaces/Stats"];
  for (const page of pages) {
    const found = [`${page}.html`, `${page.replace("/", "/index.")}.html`].find((name) => existsSync(join(folder, name)));
    assert.ok(found !== undefined, page);
    assert.ok(readFileSync(join(folder, found), "utf8").includes("tickwire"));
  }
});

test("a relay that was built after it serves it with its demo, and the gallery leads there", async () => {
  // `tools/dev test` makes it before it builds the relay.
  await withRelay(["--listen", "127.0.0.1:0", "--demo"], async (relay) => {
    const origin = relay.url().replace("ws", "http");
    const get = async (path: string): Promise<string> => {
      const response = await fetch(origin + path);
      assert.equal(response.status, 200, path);
      return response.text();
    };
    assert.match(await get("/examples/"), /<a class="button" href="\/docs\/api\/">/);
    assert.match(await get("/docs/api/"), /<title>tickwire/);
    const names = await get("/docs/api/modules/index.html");
    assert.ok(names.includes('"../functions/index.join.html"'));
    assert.match(await get("/docs/api/functions/index.join.html"), /Joins the match at/);
  });
});
