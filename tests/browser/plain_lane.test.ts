/** The plain lane: what any WebSocket client gets without an SDK, from npm `ws`, from Node and from a page. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, startBrowser } from "./browser.ts";
import { type Relay, startRelay } from "./relay.ts";
import { WsClient, type WsSocket } from "./tools.ts";

const timeoutMs = 10_000;

let relay: Relay;
let browser: Browser;

before(async () => {
  relay = await startRelay();
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  await relay?.stop();
});

const address = (match: string): string => `ws://127.0.0.1:${relay.wsPort}/v1/match/${match}`;

interface Heard {
  binary: boolean;
  hex: string;
}

/** A client of npm `ws` that writes down all that it hears. */
async function connect(match: string, url = address(match)): Promise<{ socket: WsSocket; heard: Heard[] }> {
  const socket = new WsClient(url, { rejectUnauthorized: false });
  const heard: Heard[] = [];
  socket.on("message", (data: Buffer, binary: boolean) => heard.push({ binary, hex: data.toString("hex") }));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { socket, heard };
}

async function waitFor(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const scheme of ["ws", "wss"] as const) {
  test(`three clients over ${scheme}: text and binary go to all, sender included, in order, unchanged`, async () => {
    const url = `${scheme}://127.0.0.1:${scheme === "ws" ? relay.wsPort : relay.wssPort}/v1/match/three-${scheme}`;
    const clients = [await connect("", url), await connect("", url), await connect("", url)];
    const sent: Heard[] = [];
    // Sizes around the places where WebSocket's length field changes its form, and none at all.
    const sizes = [0, 1, 125, 126, 127, 1_000, 16_000];
    for (const [index, { socket }] of clients.entries()) {
      const before = sent.length;
      for (const size of sizes) {
        const text = `${index} grüße 🚀 `.repeat(1_000).slice(0, size / 4);
        const binary = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7 + index) & 0xff));
        socket.send(text);
        socket.send(binary);
        sent.push({ binary: false, hex: Buffer.from(text).toString("hex") }, { binary: true, hex: binary.toString("hex") });
      }
      // One after the other: the order between two senders is the relay's to choose.
      await waitFor("all of one client's messages", () => clients.every(({ heard }) => heard.length >= before + 2 * sizes.length));
    }
    for (const { heard } of clients) assert.deepEqual(heard, sent);
    for (const { socket } of clients) socket.close();
  });
}

test("two who talk at once are heard in the same order by everyone", async () => {
  const clients = [await connect("order"), await connect("order"), await connect("order")];
  const count = 50;
  for (let index = 0; index < count; index += 1) {
    clients[0]?.socket.send(`a${index}`);
    clients[1]?.socket.send(`b${index}`);
  }
  await waitFor("all messages", () => clients.every(({ heard }) => heard.length >= 2 * count));
  const [first, ...others] = clients.map(({ heard }) => heard.map(({ hex }) => Buffer.from(hex, "hex").toString()));
  for (const other of others) assert.deepEqual(other, first);
  for (const name of ["a", "b"]) {
    assert.deepEqual(first?.filter((text) => text.startsWith(name)), Array.from({ length: count }, (_, index) => `${name}${index}`));
  }
  for (const { socket } of clients) socket.close();
});

/** The five lines of every tutorial, as they are; `done` is the test's. */
function tutorial(url: string, done: (data: unknown) => void): void {
  const socket = new WebSocket(url);
  socket.onopen = () => {
    socket.send("hello");
  };
  socket.onmessage = (event) => done(event.data);
}

test("the five lines of every tutorial work in Node", async () => {
  const url = address("tutorial-node");
  assert.equal(await new Promise((resolve) => tutorial(url, resolve)), "hello");
});

test("the five lines of every tutorial work in a page, and reach another client", async () => {
  const { socket, heard } = await connect("tutorial-page");
  const page = await browser.open(`http://127.0.0.1:${relay.wsPort}/`);
  const url = JSON.stringify(address("tutorial-page"));
  const answer = await page.evaluate(`new Promise((resolve) => (${tutorial.toString()})(${url}, resolve))`);
  assert.equal(answer, "hello");
  await waitFor("the other client", () => heard.length === 1);
  assert.deepEqual(heard, [{ binary: false, hex: Buffer.from("hello").toString("hex") }]);
  socket.close();
  await page.close();
});
