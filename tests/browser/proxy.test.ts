/** The proxy that the other tests rely on is as bad as it is told to be, and no worse. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import { type Proxy, startProxy } from "./proxy.ts";
import { sleep } from "./wait.ts";

let echo: Server;
let proxy: Proxy;

before(async () => {
  echo = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  proxy = await startProxy((echo.address() as AddressInfo).port);
});

after(async () => {
  await proxy?.stop();
  echo?.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  return socket;
}

/** Sends the bytes in pieces and waits until so many are back; how long that took, and what they were. */
async function roundTrip(socket: Socket, bytes: Buffer, pieceSize: number): Promise<{ ms: number; digest: string }> {
  const hash = createHash("sha256");
  let left = bytes.length;
  const back = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left === 0) resolve();
    });
  });
  const begin = performance.now();
  for (let at = 0; at < bytes.length; at += pieceSize) {
    socket.write(bytes.subarray(at, at + pieceSize));
    await sleep(1);
  }
  await back;
  return { ms: performance.now() - begin, digest: hash.digest("hex") };
}

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("latency is paid each way", async () => {
  proxy.shape({ latencyMs: 60 });
  const socket = await open();
  const { ms } = await roundTrip(socket, Buffer.from("x"), 1);
  assert.ok(ms >= 119, `${ms} ms`);
  socket.destroy();
});

test("jitter changes neither the bytes nor their order", async () => {
  proxy.shape({ latencyMs: 5, jitterMs: 40 });
  const socket = await open();
  const bytes = randomBytes(60_000);
  assert.equal((await roundTrip(socket, bytes, 500)).digest, digestOf(bytes));
  socket.destroy();
});

test("a narrow link takes as long as its rate says, each way, and loses nothing", async () => {
  proxy.shape({ bitsPerSecond: 256_000 });
  const socket = await open();
  const bytes = randomBytes(32_000);
  const { ms, digest } = await roundTrip(socket, bytes, 4_000);
  assert.equal(digest, digestOf(bytes));
  // One second; both ways at the same time, but for the last slice.
  assert.ok(ms > 850, `${ms} ms`);
  socket.destroy();
});

test("a sender is held up by what a narrow link does not take", async () => {
  proxy.shape({ bitsPerSecond: 32_000 });
  const socket = await open();
  // More than all the buffers on the way can hold.
  for (let count = 0; count < 64; count += 1) socket.write(Buffer.alloc(512 * 1_024));
  await sleep(500);
  assert.ok(socket.writableLength > 0);
  socket.destroy();
});

test("a stall delays and loses nothing", async () => {
  proxy.shape({});
  const socket = await open();
  proxy.stall(400);
  const { ms, digest } = await roundTrip(socket, Buffer.from("through the tunnel"), 100);
  assert.equal(digest, digestOf(Buffer.from("through the tunnel")));
  assert.ok(ms >= 398, `${ms} ms`);
  socket.destroy();
});

test("a cut resets, and refuses new connections for as long as it lasts", async () => {
  const socket = await open();
  await roundTrip(socket, Buffer.from("x"), 1);
  const reset = once(socket, "error");
  assert.equal(proxy.cut(300), 1);
  assert.equal(((await reset)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  const refused = connect(proxy.port, "127.0.0.1");
  const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
  await sleep(320);
  const again = await open();
  await roundTrip(again, Buffer.from("back"), 4);
  again.destroy();
});
