/** Kernels and limits that are poorer than one would wish: the relay works, or says what is wrong. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { Relay, runToEndIn, type Surroundings } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const anyPort = ["--listen", "127.0.0.1:0"];

async function withRelayIn(
  surroundings: Surroundings,
  args: string[],
  body: (relay: Relay) => Promise<void>,
): Promise<void> {
  const relay = await Relay.startIn(surroundings, ...anyPort, ...args);
  try {
    await body(relay);
  } finally {
    await relay.finish();
  }
}

/** Four players who speak, and large messages both ways: all that a member does has to work. */
async function play(relay: Relay): Promise<void> {
  const url = `${relay.url()}/v1/match/m`;
  const members = await Promise.all(["Ann", "Bo", "Cy", "Di"].map((name) => TestSocket.join(url, { name })));
  const large = Buffer.alloc(12_000, "large ");
  const event = Buffer.concat([Buffer.from([2, 1, 0, 0]), large]); // for everyone
  members[0]![0].socket.send(event);
  for (const [socket] of members) {
    for (;;) {
      const message = await socket.next();
      if (typeof message === "string" || message[0] !== 0x82) continue;
      assert.ok(message.subarray(-large.length).equals(large));
      break;
    }
  }
  const echo = await TestSocket.open(`${relay.url()}/v1/echo`);
  const huge = Buffer.alloc(1_000_000, "huge ");
  echo.socket.send(huge);
  assert.ok(huge.equals((await echo.next()) as Buffer));
  await echo.close(1000);
  for (const [socket] of members) await socket.close(1000);
}

describe("kernels", () => {
  const poor: [string, Record<string, string>][] = [
    ["without incremental buffers", { TICKWIRE_BUFFERS: "classic" }],
    ["with a ring of 64 buffers of 512 bytes", { TICKWIRE_BUFFERS: "classic:64x512" }],
    ["without waits to a point in time", { TICKWIRE_WAIT: "relative" }],
    ["of 6.1, without either", { TICKWIRE_BUFFERS: "classic", TICKWIRE_WAIT: "relative" }],
  ];
  for (const [name, env] of poor) {
    test(name, async () => {
      await withRelayIn({ env }, ["--echo", "--shards", "2"], play);
    });
  }

  test("with so few buffers that many members run out of them", async () => {
    let relay!: Relay;
    await withRelayIn({ env: { TICKWIRE_BUFFERS: "classic:4x64" } }, ["--echo", "--shards", "1"], async (started) => {
      relay = started;
      const sockets = await Promise.all(
        Array.from({ length: 32 }, async () => TestSocket.open(`${relay.url()}/v1/echo`)),
      );
      const text = "all at once ".repeat(2000);
      for (const { socket } of sockets) socket.send(text);
      for (const socket of sockets) assert.equal(await socket.next(), text);
      for (const socket of sockets) await socket.close(1000);
    });
    const shortages = /"ring_buffer_shortages":(\d+)/.exec(relay.stderr)?.[1]; // of its last counters
    assert.ok(Number(shortages) > 0, `it was to run out of buffers: ${shortages}`);
  });

  test("a wrong override is refused by name", () => {
    for (const TICKWIRE_BUFFERS of ["small", "classic:3x512", "classic:64x", "classic:64x12", "classic:"]) {
      const ended = runToEndIn({ env: { TICKWIRE_BUFFERS } }, "serve", ...anyPort);
      assert.equal(ended.code, 2, TICKWIRE_BUFFERS);
      assert.match(ended.stderr, /TICKWIRE_BUFFERS/);
    }
    const ended = runToEndIn({ env: { TICKWIRE_WAIT: "never" } }, "serve", ...anyPort);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /TICKWIRE_WAIT/);
  });
});

/** A connection that asks for a page, and the start of the answer: "waiting" where none comes in a second. */
async function ask(relay: Relay, sockets: Socket[]): Promise<string> {
  const { hostname, port } = new URL(relay.url());
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.once("data", (data) => resolve(data.toString("latin1").slice(0, 12)));
    socket.once("close", () => resolve("closed"));
    setTimeout(resolve, 20_000, "waiting").unref();
    socket.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  });
}

describe("limits of the process", () => {
  test("256 open files: it says how many connections that allows, refuses the rest, and recovers", async () => {
    await withRelayIn({ before: ["prlimit", "--nofile=256:256"] }, ["--echo", "--shards", "2"], async (relay) => {
      const said = (): number => Number(/ (\d+) connections at most/.exec(relay.stderr)?.[1]);
      while (Number.isNaN(said())) await new Promise((resolve) => setTimeout(resolve, 50));
      const allowed = said();
      assert.ok(allowed > 100 && allowed < 256, relay.stderr);
      const sockets: Socket[] = [];
      try {
        for (let count = 0; count < allowed; ++count) assert.equal(await ask(relay, sockets), "HTTP/1.1 404");
        // Whoever asks now is told so: nobody is let in beyond the limit.
        for (let count = 0; count < 20; ++count) assert.equal(await ask(relay, sockets), "HTTP/1.1 503");
      } finally {
        for (const socket of sockets) socket.destroy();
      }
      // All places are free again.
      for (let attempt = 0; ; ++attempt) {
        try {
          await play(relay);
          break;
        } catch (error) {
          if (attempt === 20) throw error;
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
    });
  });

  test("too few open files to run at all: one line says so", () => {
    const ended = runToEndIn({ before: ["prlimit", "--nofile=6:6"] }, "serve", ...anyPort, "--shards", "4");
    assert.notEqual(ended.code, 0);
    assert.notEqual(ended.code, null);
    assert.match(ended.stderr, /open files|file descriptors|RLIMIT_NOFILE/i);
  });

  // As nobody: root may lock without limit.
  const isRoot = process.getuid?.() === 0;
  const nobody = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"] : [];

  test("no memory to lock: one line says so, and what to raise", () => {
    const ended = runToEndIn({ before: ["prlimit", "--memlock=0:0", ...nobody] }, "serve", ...anyPort);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^tickwire: io_uring cannot be used: .*locked memory.*\n$/);
  });

  test("8 MiB of memory to lock, Debian's default, are enough for two shards", async () => {
    const before = ["prlimit", "--memlock=8388608:8388608", ...nobody];
    // Cubic, the relay's default, may be for root alone; the system's own default is for everyone.
    const congestion = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
    await withRelayIn({ before }, ["--echo", "--shards", "2", "--congestion-control", congestion], play);
  });
});
