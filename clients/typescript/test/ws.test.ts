/** npm's `ws` class, for Node below 22: it says things by an event that browsers never say, and that ends the process where nobody listens. */

import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { type SocketClass } from "../src/environment.ts";
import { join } from "../src/index.ts";

test("an abort while it connects rejects, and harms nothing else", async (context) => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const connected = new Promise((resolve) => silent.once("connection", resolve));
  const controller = new AbortController();
  const joining = join(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/v1/match/a`, { WebSocket: WebSocket as unknown as SocketClass, signal: controller.signal });
  const socket = (await connected) as { destroy(): void };
  context.after(() => (socket.destroy(), silent.close()));
  const uncaught: unknown[] = [];
  const listener = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", listener);
  controller.abort();
  await assert.rejects(joining, { code: "aborted" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.off("uncaughtException", listener);
  assert.deepEqual(uncaught, []);
});
