/** What the log says of peers and limits: a line for each cause with whom it was about, never many, and never a byte that a peer chose. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { ask, metric } from "./admin.ts";
import { makeCertificate } from "./certificate.ts";
import { Relay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const { certificate, key } = makeCertificate();
const listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
type Line = Record<string, unknown>;

/** Every line of a relay that logs JSON; each must be some. */
function linesOf(stderr: string): Line[] {
  // Nothing that a terminal, or a reader of lines, could take for something else.
  assert.match(stderr, /^[\x20-\x7e\n]*$/);
  return stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

const about = (lines: Line[], cause: string): Line[] => lines.filter((line) => line["cause"] === cause);
/** Without what every line has. */
const fieldsOf = ({ time, level, message, shard, ...fields }: Line): Line => {
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(typeof message === "string" && typeof shard === "number");
  return { level, ...fields };
};

async function runJson(args: string[], body: (relay: Relay) => Promise<void>): Promise<Line[]> {
  const relay = await Relay.start(...listen, "--log-format", "json", ...args);
  await body(relay).catch(async (error: Error) => {
    throw new Error(`${error.message}; the relay said:\n${(await relay.stop()).stderr}`, { cause: error });
  });
  await relay.finish();
  return linesOf(relay.stderr);
}

async function rawConnection(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Sends bytes, and awaits an answer or the end. */
async function say(url: string, bytes: Buffer | string): Promise<void> {
  const socket = await rawConnection(url);
  socket.write(bytes);
  await Promise.race([once(socket, "data"), once(socket, "close")]);
  socket.destroy();
}

/** Joins, and breaks the protocol. */
async function breakRules(url: string, fields: object = {}): Promise<void> {
  const [member] = await TestSocket.join(url, fields);
  member.socket.send("{");
  assert.equal((await member.closed()).code, 1007);
}

const upgrade = (headers: string): Buffer =>
  Buffer.from(
    "GET /v1/match/m HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`,
    "latin1",
  );

describe("what peers do", () => {
  test("is told with match, player and peer", async () => {
    const args = ["--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key, "--messages-per-second", "1"];
    const lines = await runJson(args, async (relay) => {
      const [ann] = await TestSocket.join(`${relay.url()}/v1/match/arena`, { name: "Ann" });
      await breakRules(`${relay.url()}/v1/match/arena`, { name: "Bo" });
      for (let count = 0; count < 20; count += 1) ann.socket.ping();
      assert.equal((await ann.closed()).code, 4100);
      const late = await TestSocket.open(`${relay.url()}/v1/match/arena`, ["tickwire.v1"]);
      late.socket.send(Buffer.from([1]));
      assert.equal((await late.closed()).code, 1002);
      await say(relay.url(), "NONSENSE\r\n\r\n");
      await say(relay.url("wss"), "GET / HTTP/1.1\r\n\r\n");
    });
    const peer = "127.0.0.1";
    assert.deepEqual(about(lines, "rules_broken").map(fieldsOf), [
      { level: "info", cause: "rules_broken", match: "arena", player: 1, peer, code: 1007, detail: "not JSON" },
      { level: "info", cause: "rules_broken", match: "arena", peer, code: 1002, detail: "the first message is not a join" },
    ]);
    assert.deepEqual(about(lines, "over_rate").map(fieldsOf), [
      { level: "info", cause: "over_rate", match: "arena", player: 0, peer, code: 4100, detail: "too many messages" },
    ]);
    assert.deepEqual(about(lines, "bad_request").map(fieldsOf), [
      { level: "info", cause: "bad_request", peer, code: 400, detail: "bad request" },
    ]);
    assert.deepEqual(about(lines, "tls_failed").map(fieldsOf), [
      { level: "info", cause: "tls_failed", peer, detail: "http request" },
    ]);
  });

  test("is escaped where it is their own words", async () => {
    const origin = 'https://evil.example"\\\x9b31m\xff match=other';
    const name = 'A\n\u001b[31m{"level":"error"}';
    const lines = await runJson(["--origins", "https://game.example"], async (relay) => {
      await say(relay.url(), upgrade(`Origin: ${origin}\r\n`));
      await breakRules(`${relay.url()}/v1/match/arena`, { name });
    });
    assert.deepEqual(
      about(lines, "origin_refused").map((line) => line["detail"]),
      ['https://evil.example"\\\\\\x9b31m\\xff match=other'],
    );
    assert.equal(about(lines, "rules_broken").length, 1);
    // As text no value looks like another field.
    const relay = await Relay.start(...listen, "--log-format", "text", "--origins", "https://game.example");
    await say(relay.url(), upgrade(`Origin: ${origin}\r\n`));
    await relay.finish();
    assert.ok(relay.stderr.includes(' detail="https://evil.example\\"\\\\\\x9b31m\\xff match=other"\n'), relay.stderr);
  });

  test("is nothing that an operator must know while they play by the rules", async () => {
    await runJson([], async (relay) => {
      const before = relay.stderr;
      const members = await Promise.all([1, 2, 3].map(() => TestSocket.open(`${relay.url()}/v1/match/m`)));
      for (let count = 0; count < 60; count += 1) members[count % 3]!.socket.send("hello");
      for (let count = 0; count < 60; count += 1) await members[0]!.next();
      for (const member of members) await member.close(1000);
      assert.equal(relay.stderr, before);
    });
  });
});

describe("limits", () => {
  test("of the relay are warnings, those of an address are for information", async () => {
    const ofRelay = await runJson(["--max-matches", "1"], async (relay) => {
      const member = await TestSocket.open(`${relay.url()}/v1/match/a`);
      await say(relay.url(), upgrade(""));
      await member.close(1000);
    });
    const peer = "127.0.0.1";
    assert.deepEqual(about(ofRelay, "matches_full").map(fieldsOf), [
      { level: "warning", cause: "matches_full", match: "m", peer, code: 503 },
    ]);
    const ofAddress = await runJson(["--max-connections-per-address", "1", "--limit-loopback"], async (relay) => {
      const member = await TestSocket.open(`${relay.url()}/v1/match/a`);
      await say(relay.url(), upgrade(""));
      await member.close(1000);
    });
    assert.deepEqual(about(ofAddress, "address_connections").map(fieldsOf), [
      { level: "info", cause: "address_connections", peer },
    ]);
  });

  test("of lines hold for a flood, whose rest is counted", async () => {
    const [count, shards, allowed] = [200, 2, 3];
    let leftOut = 0;
    const lines = await runJson(["--shards", String(shards), "--log-lines", String(allowed)], async (relay) => {
      for (let done = 0; done < count; done += 20) {
        await Promise.all(Array.from({ length: 20 }, () => say(relay.url(), "NONSENSE\r\n\r\n")));
      }
      for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
        leftOut = metric((await ask(relay.adminUrl(), "/metrics")).body, "tickwire_log_lines_left_out_total", 'cause="bad_request"');
        if (leftOut >= count - 2 * shards * allowed) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(metric((await ask(relay.adminUrl(), "/metrics")).body, "tickwire_log_lines_left_out_total", 'cause="too_slow"'), 0);
      // Another cause has lines of its own.
      await breakRules(`${relay.url()}/v1/match/arena`);
    });
    const told = about(lines, "bad_request").filter((line) => line["count"] === undefined);
    const summaries = about(lines, "bad_request").filter((line) => line["count"] !== undefined);
    // A slow machine's flood may reach into the next ten seconds.
    assert.ok(told.length >= allowed && told.length <= 2 * shards * allowed, `${told.length} lines`);
    assert.ok(summaries.length >= 1 && summaries.length <= 2, `${summaries.length} summaries`);
    const counted = summaries.reduce((sum, line) => sum + Number(line["count"]), 0);
    assert.equal(told.length + counted, count, "each is told or counted");
    assert.equal(leftOut, counted);
    assert.match(String(summaries[0]?.["message"]), /^\d+ more of these: /);
    assert.equal(about(lines, "rules_broken").length, 1);
  });
});
