/** The plain lane from a page: the five lines of every tutorial. From Node: tests/integration/plain_lane.test.ts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stage } from "./stage.ts";
import { WsClient } from "./tools.ts";

const timeoutMs = 10_000;

const on = stage();

const address = (match: string): string => `ws://127.0.0.1:${on.relay.wsPort}/v1/match/${match}`;

/** The five lines of every tutorial, as they are; `done` is the test's. */
function tutorial(url: string, done: (data: unknown) => void): void {
  const socket = new WebSocket(url);
  socket.onopen = () => {
    socket.send("hello");
  };
  socket.onmessage = (event) => done(event.data);
}

test("the five lines of every tutorial work in a page, and reach another client", async () => {
  const other = new WsClient(address("tutorial-page"));
  const heard: string[] = [];
  other.on("message", (data: Buffer, binary: boolean) => heard.push(`${binary ? "binary" : "text"} ${data.toString()}`));
  await new Promise((resolve, reject) => other.once("open", resolve).once("error", reject));
  const page = await on.browser.open(`http://127.0.0.1:${on.relay.wsPort}/`);
  const url = JSON.stringify(address("tutorial-page"));
  const answer = await page.evaluate(`new Promise((resolve) => (${tutorial.toString()})(${url}, resolve))`);
  assert.equal(answer, "hello");
  const deadline = Date.now() + timeoutMs;
  while (heard.length === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(heard, ["text hello"]);
  other.close();
  await page.close();
});
