/** The page of the admin interface in Chromium: it is live, and its buttons do what they say. */

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, startBrowser } from "./browser.ts";
import { type Page, WsClient } from "./tools.ts";

const patienceMs = 15_000;

let child: ChildProcess;
let output = "";
let browser: Browser;
let folder: string;
const token = "a token of the test's";

function url(kind: string): string {
  const found = new RegExp(`^listening ${kind}(\\S+)$`, "m").exec(output)?.[1];
  if (found === undefined) throw new Error(`no ${kind} in ${output}`);
  return found;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tickwire-admin-"));
  writeFileSync(join(folder, "token"), token);
  const listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "2"];
  child = spawn(process.env["TICKWIRE_BIN"]!, ["serve", ...listen, "--admin-token-file", join(folder, "token")], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", (data: Buffer) => {
      output += data.toString();
      if (/listening admin .*\n/.test(output)) resolve();
    });
    child.on("exit", (code) => reject(new Error(`the relay ended with ${code}`)));
  });
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  if (child.exitCode === null) {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

/** A player that sends a state now and then, and answers what it is sent. */
class Player {
  readonly socket: InstanceType<typeof WsClient>;
  /** It was sent something: the first is the welcome. */
  joined = false;
  closed: number | null = null;
  #seq = 0;
  #seen = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(match: string, name: string) {
    this.socket = new WsClient(`ws${url("ws")}/v1/match/${match}`, ["tickwire.v1"]);
    this.socket.on("open", () => this.socket.send(JSON.stringify({ op: "join", name })));
    this.socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.joined = true;
      if (isBinary && data[0] === 0x81) this.#seen = data.readUInt16LE(4);
    });
    this.socket.on("close", (code: number) => (this.closed = code));
    this.#timer = setInterval(() => this.#send(), 50);
  }

  #send(): void {
    if (this.socket.readyState !== 1) return;
    const state = Buffer.alloc(30, this.#seq);
    state.writeUInt16LE(1, 0);
    state.writeUInt16LE((this.#seq += 1) & 0xffff, 2);
    state.writeUInt16LE(this.#seen, 4);
    this.socket.send(state);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.socket.terminate();
  }
}

async function eventually(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not in ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const textOf = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

test("shows the relay live, kicks, closes a match and drains", async () => {
  const players: Player[] = [];
  const other = new Player("harbour", "Di");
  try {
    // One after the other: who is handed to another shard is overtaken, and numbers go by who comes first.
    for (const name of ["Ann", "Bo", "<b>Cy</b>"]) {
      const player = new Player("arena", name);
      players.push(player);
      await eventually(`${name} has joined`, () => player.joined);
    }
    await eventually("Di has joined", () => other.joined);
    const page = await browser.open(url("admin "));
    await page.locator("#answer").fill(token);
    await page.locator("#yes").click();
    await eventually("four members", async () => /MEMBERS\s*4\b/i.test(await textOf(page, "#tiles")));
    await eventually("both matches", async () => /arena[\s\S]*harbour/.test(await textOf(page, "#matches")));
    assert.equal(await page.locator("#shards .card").count(), 2);
    await eventually("lateness is drawn", async () => ((await page.locator("#lateness path").first().getAttribute("d")) ?? "").includes("L"));
    await eventually("state age is measured", async () => /median [0-9.]+ (µs|ms)/.test(await textOf(page, "#age-key")));

    await page.locator("#matches tr.pick", { hasText: "arena" }).click();
    await eventually("the members, names as text", async () => /0 Ann[\s\S]*1 Bo[\s\S]*2 <b>Cy<\/b>/.test(await textOf(page, "#members")));
    if (process.env["TICKWIRE_SCREENSHOT"] !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      await page.screenshot({ path: process.env["TICKWIRE_SCREENSHOT"], fullPage: true });
    }
    await page.locator("#members tr", { hasText: "1 Bo" }).getByRole("button", { name: "Kick" }).click();
    await page.locator("#yes").click();
    await eventually("Bo is kicked", () => players[1]!.closed === 4002);
    await eventually("and gone from the page", async () => !/Bo/.test(await textOf(page, "#members")));

    await page.locator("#close-match").click();
    await page.locator("#yes").click();
    await eventually("the match is closed", () => players[0]!.closed === 1001 && players[2]!.closed === 1001);

    await page.locator("#drain").click();
    await page.locator("#ask button[value=no]").click();
    assert.equal(await textOf(page, "#state"), "running", "a cancelled drain drains nothing");
    await page.locator("#drain").click();
    await page.locator("#yes").click();
    await eventually("it drains", async () => /draining/.test(await textOf(page, "#state")));
    other.socket.close(1000);
    await eventually("it ends with its last match", () => child.exitCode === 0);
    await eventually("and the page says that it is gone", async () => /does not answer/.test(await textOf(page, "#state")));
    assert.deepEqual(browser.errors, []);
  } finally {
    for (const player of [...players, other]) player.stop();
  }
});
