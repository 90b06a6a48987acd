/** Behind proxies: PROXY headers of both versions, whom they are believed from, and X-Forwarded-For; what the operator sees of the clients. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { ask, askJson, metric } from "./admin.ts";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { Relay, runToEnd, withRelay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const { certificate, key } = makeCertificate();
const admin = ["--admin-listen", "127.0.0.1:0"];
const proxyListen = ["--proxy-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.0/8"];
const proxyTlsListen = ["--proxy-tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key];

const line = (address: string): Buffer => {
  const family = address.includes(":") ? "TCP6" : "TCP4";
  return Buffer.from(`PROXY ${family} ${address} ${family === "TCP6" ? "::1" : "127.0.0.1"} 4711 443\r\n`);
};
const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
function binary(command: number, family: number, rest: Buffer): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family, rest.length >> 8, rest.length & 255]), rest]);
}
const ipv4 = (address: string): Buffer =>
  binary(0x21, 0x11, Buffer.from([...address.split(".").map(Number), 127, 0, 0, 1, 0x12, 0x67, 1, 0xbb]));

/** An agent whose connections begin with these bytes, handed over in two pieces. */
function agentWith(header: Buffer, isTls: boolean, path?: string): Agent {
  const agent = isTls ? new TlsAgent() : new Agent();
  agent.createConnection = (options) => {
    const socket = connect(path === undefined ? { host: "127.0.0.1", port: Number(options.port) } : { path });
    socket.setNoDelay(true);
    socket.write(header.subarray(0, 5));
    socket.write(header.subarray(5));
    return isTls ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  };
  return agent;
}

async function joinBehind(url: string, header: Buffer, path?: string): Promise<TestSocket> {
  const agent = agentWith(header, url.startsWith("wss:"), path);
  const member = await TestSocket.open(url, ["tickwire.v1"], { agent });
  member.socket.send('{"op":"join"}');
  assert.match(String(await member.next()), /"welcome"/);
  return member;
}

/** The addresses of a match's members, as the operator sees them. */
async function addresses(relay: Relay, match: string): Promise<unknown[]> {
  const { members } = (await askJson(relay.adminUrl(), `/v1/matches/${match}`)) as { members: { address: unknown }[] };
  return members.map(({ address }) => address);
}

/** The value of a series, when it has reached it: shards publish a few times a second. */
async function reaches(relay: Relay, name: string, labels: string, wanted: number): Promise<void> {
  let value = NaN;
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await new Promise((r) => setTimeout(r, 50))) {
    value = metric((await ask(relay.adminUrl(), "/metrics")).body, name, labels);
    if (value >= wanted) break;
  }
  assert.equal(value, wanted, `${name} ${labels}`);
}

/** Sends bytes, and awaits the end of the connection; what came before it. */
async function closedAfter(url: string, bytes: Buffer | string): Promise<string> {
  const socket: Socket = connect(Number(new URL(url).port), "127.0.0.1");
  let text = "";
  socket.on("error", (error: NodeJS.ErrnoException) => (text += error.code === "ECONNRESET" ? "" : error.message)); // a reset is an end, too
  socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
  socket.setTimeout(30_000, () => socket.destroy(new Error("not closed in 30 s")));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.write(bytes);
  await ended;
  return text;
}

describe("a PROXY header", () => {
  test("says whom a member comes from, in the clear and before TLS, on every shard", async () => {
    await withRelay([...proxyListen, ...proxyTlsListen, ...admin, "--shards", "2"], async (relay) => {
      const members: TestSocket[] = [];
      const come = async (scheme: "ws" | "wss", match: string, header: Buffer): Promise<void> => {
        members.push(await joinBehind(`${relay.proxyUrl(scheme)}/v1/match/${match}`, header));
      };
      for (const scheme of ["ws", "wss"] as const) {
        // Each match lives on one shard, and connections come to both: some of these were handed over.
        for (let number = 1; number <= 6; number += 1) await come(scheme, scheme, line(`203.0.113.${number}`));
        await come(scheme, scheme, line("2001:db8::7"));
        await come(scheme, scheme, ipv4("198.51.100.9"));
        await come(scheme, scheme, binary(0x20, 0, Buffer.alloc(0)));
        const expected = [1, 2, 3, 4, 5, 6].map((number) => `203.0.113.${number}`);
        assert.deepEqual(await addresses(relay, scheme), [...expected, "2001:db8::7", "198.51.100.9", "127.0.0.1"]);
      }
      await reaches(relay, "tickwire_proxy_headers_total", 'result="taken"', 18);
      const text = (await ask(relay.adminUrl(), "/metrics")).body;
      assert.ok(metric(text, "tickwire_connections_moved_total", 'direction="in"') > 0, "nothing was handed over");
      for (const member of members) await member.close(1000);
    });
  });

  test("charges its client: limits for one address hold for that, with 503", async () => {
    await withRelay([...proxyListen, ...admin, "--max-connections-per-address", "2"], async (relay) => {
      const url = `${relay.proxyUrl()}/v1/match/m`;
      const status = async (header: Buffer): Promise<number | TestSocket> =>
        joinBehind(url, header).catch((error: Error) => Number(/server response: (\d+)/.exec(error.message)?.[1]));
      const first = await status(line("203.0.113.7"));
      const second = await status(ipv4("203.0.113.7"));
      assert.ok(first instanceof TestSocket && second instanceof TestSocket);
      assert.equal(await status(line("203.0.113.7")), 503);
      const other = await status(line("203.0.113.8"));
      assert.ok(other instanceof TestSocket, `another client: ${String(other)}`);
      await reaches(relay, "tickwire_connections_refused_total", 'limit="address_count"', 1);
      await first.close(1000);
      let again: number | TestSocket = 0;
      for (let tries = 0; tries < 100 && !(again instanceof TestSocket); tries += 1) again = await status(line("203.0.113.7"));
      assert.ok(again instanceof TestSocket, "there is room again");
      for (const member of [second, other, again]) await member.close(1000);
    });
  });

  test("is wanted there: what comes without one or with a wrong one is closed, counted and logged", async () => {
    await withRelay([...proxyListen, ...admin, "--tls-timeout", "0.3"], async (relay) => {
      const url = relay.proxyUrl();
      const request = "GET / HTTP/1.1\r\nHost: relay\r\n\r\n";
      assert.equal(await closedAfter(url, request), "");
      assert.equal(await closedAfter(url, `PROXY TCP4 203.0.113.007 127.0.0.1 1 2\r\n${request}`), "");
      const wrongSum = Buffer.concat([ipv4("203.0.113.7").subarray(16), Buffer.from([3, 0, 4, 1, 2, 3, 4])]);
      assert.equal(await closedAfter(url, binary(0x21, 0x11, wrongSum)), "");
      assert.equal(await closedAfter(url, binary(0x21, 0x11, Buffer.alloc(5000))), "");
      assert.equal(await closedAfter(url, "PROXY TCP4 "), "", "too slow");
      for (const result of ["missing", "malformed", "checksum", "too_long"]) {
        await reaches(relay, "tickwire_proxy_headers_total", `result="${result}"`, 1);
      }
      await reaches(relay, "tickwire_timeouts_total", 'awaited="proxy"', 1);
      await relay.logged(/cause=proxy_header .*peer=127\.0\.0\.1 detail="no PROXY header"/);
      await relay.logged(/cause=proxy_header .*peer=127\.0\.0\.1 detail="a PROXY header with a wrong checksum"/);
      const member = await joinBehind(`${url}/v1/match/m`, line("203.0.113.7"));
      await member.close(1000);
    });
  });

  test("is believed from trusted proxies alone: others are closed unheard", async () => {
    const args = ["--proxy-listen", "127.0.0.1:0", "--trusted-proxies", "192.0.2.0/24", ...admin];
    await withRelay(args, async (relay) => {
      assert.equal(await closedAfter(relay.proxyUrl(), line("203.0.113.7")), "");
      await reaches(relay, "tickwire_connections_refused_total", 'limit="untrusted"', 1);
      await relay.logged(/cause=proxy_untrusted .*peer=127\.0\.0\.1/);
    });
  });

  test("comes by a unix socket where that is trusted", async () => {
    const path = join(makeFolder(), "proxy.sock");
    await withRelay(["--proxy-listen", `unix:${path}`, "--trusted-proxies", "unix", ...admin], async (relay) => {
      assert.match(relay.stdout, /^listening proxy ws\+unix:\//m);
      const member = await joinBehind("ws://relay/v1/match/m", line("203.0.113.7"), path);
      assert.deepEqual(await addresses(relay, "m"), ["203.0.113.7"]);
      await member.close(1000);
    });
  });

  test("is not looked for elsewhere: there it is a bad request", async () => {
    await withRelay(["--listen", "127.0.0.1:0", ...proxyListen, ...admin], async (relay) => {
      const answer = await closedAfter(relay.url(), `${line("203.0.113.7").toString()}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /);
    });
  });

  test("needs settings that fit together", () => {
    const untrusting = runToEnd("serve", "--proxy-listen", "127.0.0.1:0");
    assert.deepEqual([untrusting.code, /need --trusted-proxies/.test(untrusting.stderr)], [2, true]);
    const bare = runToEnd("serve", "--proxy-tls-listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1");
    assert.deepEqual([bare.code, /--proxy-tls-listen needs --certificate and --key/.test(bare.stderr)], [2, true]);
    const printed = runToEnd("serve", ...proxyListen, "--print-config").stdout;
    assert.match(printed, /\[proxy\]\nlisten = \["127\.0\.0\.1:0"\] +# --proxy-listen\n/);
  });
});

describe("X-Forwarded-For", () => {
  test("of a trusted proxy says whom the operator sees, and of others nothing", async () => {
    const args = ["--listen", "127.0.0.1:0", ...admin, "--shards", "2"];
    const join = async (relay: Relay, values: string[]): Promise<TestSocket> => {
      const headers = { "X-Forwarded-For": values } as unknown as Record<string, string>;
      const member = await TestSocket.open(`${relay.url()}/v1/match/m`, ["tickwire.v1"], { headers });
      member.socket.send('{"op":"join"}');
      assert.match(String(await member.next()), /"welcome"/);
      return member;
    };
    await withRelay([...args, "--trusted-proxies", "127.0.0.0/8", "--trusted-proxies", "10.0.0.0/8"], async (relay) => {
      const members = [
        await join(relay, ["198.51.100.1, 203.0.113.1, 10.0.0.1"]),
        await join(relay, ["203.0.113.2", "10.0.0.1"]),
        await join(relay, ["[2001:db8::3]:4711"]),
        await join(relay, ["unreadable"]),
      ];
      assert.deepEqual(await addresses(relay, "m"), ["203.0.113.1", "203.0.113.2", "2001:db8::3", "127.0.0.1"]);
      for (const member of members) await member.close(1000);
    });
    await withRelay(args, async (relay) => {
      const member = await join(relay, ["203.0.113.1"]);
      assert.deepEqual(await addresses(relay, "m"), ["127.0.0.1"]);
      await member.close(1000);
    });
  });
});
