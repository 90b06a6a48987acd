/** The load generator itself: it finds servers out that lie, and its members can be slow and be cut. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { WebSocket } from "ws";
import { askJson } from "./admin.ts";
import { binary, runToEnd, withRelay } from "./relay.ts";
import { WebSocketServer } from "./web_socket.ts";

interface Report {
  code: number | null;
  checks: Record<string, string>;
  states: Record<string, number>;
  events: Record<string, number>;
  returns: Record<string, number>;
  whole_run: Record<string, number>;
  stderr: string;
}

async function swarm(url: string, ...args: string[]): Promise<Report> {
  const running = spawn(binary, ["swarm", url, "--json", "--insecure", "--warmup", "0.5", ...args]);
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  running.stdout.on("data", (data: Buffer) => stdout.push(data));
  running.stderr.on("data", (data: Buffer) => stderr.push(data));
  const [code] = (await once(running, "close")) as [number | null];
  const said = Buffer.concat(stderr).toString();
  assert.ok(stdout.length > 0, said);
  return { ...(JSON.parse(Buffer.concat(stdout).toString()) as Report), code, stderr: said };
}

/** The checks that did not pass. */
const failedOf = (report: Report): string[] => Object.keys(report.checks).filter((name) => report.checks[name] !== "ok");

interface Telling {
  /** The states of this tick, as they came: by player. */
  states: Map<number, Buffer>;
  receiver: number;
  tick: number;
  /** What this receiver was told at the tick before. */
  before: Buffer;
  socket: WebSocket;
}

/** A server of the neutral format (bench/README.md) that tells each member what `tell` makes of a tick. */
async function withServer(tell: (telling: Telling) => Buffer | null, body: (url: string) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const states = new Map<number, Buffer>();
  const told = new Map<WebSocket, Buffer>();
  const order: WebSocket[] = [];
  let tick = 0;
  sockets.on("connection", (socket) => {
    order.push(socket);
    socket.on("message", (state: Buffer) => states.set(state.readUInt16LE(0), state));
    socket.on("error", () => {});
  });
  const ticking = setInterval(() => {
    if (states.size === 0) return;
    tick += 1;
    for (const [receiver, socket] of order.entries()) {
      const message = tell({ states: new Map(states), receiver, tick, before: told.get(socket) ?? Buffer.alloc(0), socket });
      if (message !== null && socket.readyState === socket.OPEN) socket.send(message);
      told.set(socket, Buffer.concat([...states.values()]));
    }
    states.clear();
  }, 33);
  try {
    await body(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    clearInterval(ticking);
    sockets.close();
    server.close();
    server.closeAllConnections();
  }
}

const honest = ({ states }: Telling): Buffer => Buffer.concat([...states.values()]);

describe("a server that", () => {
  const lies: [string, (telling: Telling) => Buffer | null, string[]][] = [
    ["tells the truth passes every check", honest, []],
    ["changes one bit of one state", (telling) => {
      const message = Buffer.from(honest(telling));
      if (telling.tick === 30 && telling.receiver === 2) message[20] = message[20]! ^ 4;
      return message;
    }, ["states are right"]],
    ["tells an old state after a newer one", (telling) => (telling.tick === 30 && telling.receiver === 1 ? Buffer.concat([honest(telling), telling.before]) : honest(telling)), ["states are right"]],
    ["tells a state under another player's number", (telling) => {
      const message = Buffer.from(honest(telling));
      if (telling.tick === 30 && telling.receiver === 0) message.writeUInt16LE((message.readUInt16LE(0) + 1) % 4, 0);
      return message;
    }, ["states are right"]],
    ["tells nothing", () => null, ["states flow"]],
    ["ends a connection", (telling) => {
      if (telling.tick === 30 && telling.receiver === 3) telling.socket.terminate();
      return honest(telling);
    }, ["every connection lives"]],
  ];
  for (const [what, tell, failed] of lies) {
    test(failed.length === 0 ? what : `${what} is found out`, async () => {
      await withServer(tell, async (url) => {
        const report = await swarm(url, "--protocol", "neutral", "--random", "--matches", "1", "--players", "4", "--seconds", "2");
        assert.deepEqual(failedOf(report), failed, JSON.stringify(report.checks));
        assert.equal(report.code, failed.length === 0 ? 0 : 1);
        if (failed.length === 0) assert.equal(report.states["lost"], 0);
      });
    });
  }

  test("leaves a member's states out for one receiver has lost them", async () => {
    const lossy = ({ states, receiver }: Telling): Buffer => Buffer.concat([...states].filter(([player]) => !(receiver === 0 && player === 1)).map(([, state]) => state));
    await withServer(lossy, async (url) => {
      const report = await swarm(url, "--protocol", "neutral", "--random", "--matches", "1", "--players", "4", "--seconds", "2");
      const share = report.states["lost"]! / (report.states["lost"]! + report.states["delivered"]!);
      assert.ok(share > 0.05 && share < 0.075, `of 16 pairs one is missing: ${share}`);
    });
  });
});

describe("members of the relay", () => {
  test("that are cut come back as whom they were, and miss no event", async () => {
    await withRelay(["--listen", "127.0.0.1:0", "--shards", "2"], async (relay) => {
      const report = await swarm(relay.url(), "--matches", "4", "--players", "8", "--cut-every", "4", "--events", "2", "--seconds", "6");
      assert.deepEqual([failedOf(report), report.code], [[], 0], JSON.stringify(report.checks));
      const { cuts, count, as_others } = report.returns;
      assert.ok(cuts! >= 8 * 2, `eight members, each some three times: ${cuts}`);
      assert.deepEqual([count, as_others, report.events["missing"], report.events["wrong"]], [cuts, 0, 0, 0]);
      assert.ok(report.events["delivered"]! > 500, `${report.events["delivered"]} events`);
    });
  });

  test("that are slow are so in every match, and all states are right", async () => {
    await withRelay(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "2"], async (relay) => {
      const running = swarm(relay.url(), "--matches", "3", "--players", "4", "--slow-every", "4", "--seconds", "8", "--match-prefix", "m");
      /** How many take a tick in late: they read twice a second. */
      const slowIn = async (match: string): Promise<number> => {
        const members = (await askJson(relay.adminUrl(), `/v1/matches/${match}`).catch(() => ({ members: [] })))["members"] as { round_trip_us: number | null }[];
        return members.filter((one) => (one.round_trip_us ?? 0) > 200_000).length;
      };
      const deadline = Date.now() + 7000;
      let slow: number[] = [];
      while (Date.now() < deadline && String(slow) !== "1,1,1") {
        slow = [];
        for (const match of ["m0", "m1", "m2"]) slow.push(await slowIn(match));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const report = await running;
      assert.deepEqual([slow, failedOf(report), report.code], [[1, 1, 1], [], 0], JSON.stringify(report.checks));
    });
  });

  test("of other servers cannot come back, and the swarm says so", () => {
    const { code, stderr } = runToEnd("swarm", "ws://127.0.0.1:1", "--protocol", "neutral", "--cut-every", "4");
    assert.equal(code, 2);
    assert.match(stderr, /only members of --protocol game can come back/);
  });
});
