/** What a connection may take once it is there: time, memory, sizes, rates, places in a match. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, test } from "node:test";
import { makeCertificate } from "./certificate.ts";
import { counters, rawConnection } from "./probe.ts";
import { type Relay, withRelay } from "./relay.ts";
import { refusedWith, TestSocket } from "./web_socket.ts";

const anyPort = ["--listen", "127.0.0.1:0"];
const urlOf = (relay: Relay): string => `${relay.url()}/v1/match/m`;

describe("a member that reads too slowly", () => {
  test("is closed with 4101 when more waits for it than the operator wants; its neighbour gets all", async () => {
    const rates = ["--bytes-per-second", "100000000", "--messages-per-second", "10000", "--tick-hz", "60"];
    await withRelay([...anyPort, "--outbox-bytes", "40000", "--max-players", "8", "--properties-bytes", "1024", ...rates], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay));
      const [bo] = await TestSocket.join(urlOf(relay));
      const [slow] = await TestSocket.join(urlOf(relay));
      slow.socket.pause();
      // Two at a time are within an outbox: who reads is never behind. In all it is more than a kernel buffers for
      // who does not, and than the default `outbox-bytes`.
      const body = Buffer.alloc(16_000, "x");
      const event = Buffer.concat([Buffer.from([2, 0, 0, 0]), body]); // to the others
      for (let sent = 0; sent < 300; sent += 2) {
        ann.socket.send(event);
        ann.socket.send(event);
        for (let received = 0; received < 2; ) {
          const message = await bo.next();
          if (typeof message === "string" || message[0] !== 0x82) continue;
          received += message.readUInt16LE(2);
          assert.ok(message.subarray(-body.length).equals(body));
        }
      }
      slow.socket.resume();
      assert.deepEqual(await slow.closed(), { code: 4101, reason: "too slow" });
      const count = await counters(relay);
      assert.equal(count.get("over_outbox"), 1);
      for (const member of [ann, bo]) await member.close(1000);
    });
  });
});

describe("memory", () => {
  test("past its bound new connections are refused with 503 and old ones live", async () => {
    const args = ["--max-memory", "16", "--state-bytes", "32767", "--max-players", "100", "--bytes-per-second", "4000000"];
    await withRelay([...anyPort, ...args, "--event-log-bytes", "4194304"], async (relay) => {
      const open: TestSocket[] = [];
      let refused = false;
      // Each match of its own takes a log of 4 MiB.
      for (let match = 0; match < 8 && !refused; match += 1) {
        const url = `${relay.url()}/v1/match/m${match}`;
        const socket = await TestSocket.open(url, ["tickwire.v1"]).catch(() => null);
        if (socket === null) {
          refused = true;
          break;
        }
        socket.socket.send(JSON.stringify({ op: "join" }));
        assert.match(String(await socket.next()), /"welcome"/);
        open.push(socket);
      }
      assert.ok(refused, "nothing was refused");
      assert.equal(await refusedWith(urlOf(relay)), 503);
      const count = await counters(relay);
      assert.ok((count.get("refused_memory") ?? 0) >= 2);
      assert.ok((count.get("memory_bytes") ?? 0) >= 16 * 1024 * 1024);
      for (const member of open) {
        member.socket.send(Buffer.from([3, 0, 0, 0, 1, 2, 3, 4]));
        for (let message = await member.next(); typeof message === "string" || message[0] !== 0x83; ) {
          message = await member.next();
        }
        await member.close(1000);
      }
    });
  });
});

describe("the echo's memory", () => {
  test("counts for the bound, and is given back", async () => {
    await withRelay([...anyPort, "--echo", "--max-memory", "16", "--message-timeout", "60"], async (relay) => {
      const held = async (): Promise<number> => (await counters(relay)).get("memory_bytes") ?? 0;
      const open = (): Promise<TestSocket> => TestSocket.open(`${relay.url()}/v1/echo`);
      const echoes = [await open(), await open()];
      for (const { socket } of echoes) socket.send(Buffer.alloc(12_000_000), { fin: false });
      const begun = Date.now();
      while ((await held()) < 24_000_000) assert.ok(Date.now() < begun + 30_000, "unfinished messages are not counted");
      assert.equal(await refusedWith(urlOf(relay)), 503);
      for (const { socket } of echoes) socket.terminate();
      const ended = Date.now();
      while ((await held()) > 1_000_000) assert.ok(Date.now() < ended + 30_000, "what is given back stays counted");
    });
  });
});

describe("deadlines", () => {
  const certificate = makeCertificate();
  const tls = ["--tls-listen", "127.0.0.1:0", "--certificate", certificate.certificate, "--key", certificate.key];

  test("for TLS, for the request and for the join: each is counted", async () => {
    const times = ["--tls-timeout", "0.3", "--upgrade-timeout", "0.3", "--join-timeout", "0.3"];
    await withRelay([...anyPort, ...tls, ...times], async (relay) => {
      const { hostname, port } = new URL(relay.httpUrl("wss"));
      const silent = connect(Number(port), hostname).on("error", () => {});
      const silentEnds = once(silent.resume(), "close");
      silent.write(Buffer.from([0x16, 3, 1, 2, 0])); // the header of a ClientHello
      const slow = await rawConnection(relay);
      const slowEnds = once(slow.resume(), "close");
      slow.write("GET /v1/match/m HTTP/1.1\r\nHost: relay\r\n");
      const dripping = setInterval(() => slow.write("X-A: b\r\n"), 50);
      const mute = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
      assert.equal((await mute.closed()).code, 4104);
      await Promise.all([silentEnds, slowEnds]);
      clearInterval(dripping);
      const count = await counters(relay);
      assert.equal(count.get("timeouts_tls"), 1);
      assert.equal(count.get("timeouts_upgrade"), 1);
      assert.equal(count.get("timeouts_join"), 1);
      assert.equal(count.get("connections_open"), 0);
    });
  });

  test("and only so many TLS handshakes are in flight at a time: one more is closed at once, and counted", async () => {
    await withRelay([...tls, "--max-handshakes", "2", "--shards", "1"], async (relay) => {
      const { hostname, port } = new URL(relay.httpUrl("wss"));
      const silent: Socket[] = [];
      /** A connection that says how it begins, and no more. */
      const begin = async (): Promise<Socket> => {
        const socket = connect(Number(port), hostname).on("error", () => {}).resume();
        await once(socket, "connect");
        socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
        return socket;
      };
      for (let count = 0; count < 2; count += 1) silent.push(await begin());
      await new Promise((resolve) => setTimeout(resolve, 300));
      const third = await begin();
      await new Promise((resolve) => third.on("close", resolve)); // by a reset, which once() takes for its own failure
      const count = await counters(relay);
      assert.deepEqual([count.get("refused_handshakes"), count.get("connections_open")], [1, 2]);
      silent.pop()!.destroy();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [ann] = await TestSocket.join(`${relay.url("wss")}/v1/match/m`); // there is room again
      await ann.close(1000);
      silent.pop()!.destroy();
    });
  });

  test("for the answer to a close frame", async () => {
    await withRelay([...anyPort, "--join-timeout", "0.2", "--close-timeout", "0.3"], async (relay) => {
      const mute = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
      const raw = (mute.socket as unknown as { _socket: Socket })._socket;
      raw.pause(); // neither the close frame nor the FIN behind it is read, and no answer goes out
      await new Promise((resolve) => setTimeout(resolve, 1000)); // 0.5 s, and the sweeps' grain; 2.2 s by default
      const count = await counters(relay);
      assert.deepEqual([count.get("timeouts_join"), count.get("timeouts_close"), count.get("connections_open")], [1, 1, 0]);
      mute.socket.terminate();
    });
  });

  test("for the rest of a message, in the clear", async () => {
    await withRelay([...anyPort, "--message-timeout", "0.5"], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay));
      const raw = (ann.socket as unknown as { _socket: Socket })._socket;
      raw.write(Buffer.concat([Buffer.from([0x82, 0xfe, 1, 0, 0, 0, 0, 0]), Buffer.alloc(10)]));
      // A ping cannot come between the parts of a frame, so drip the frame itself.
      const dripping = setInterval(() => raw.write(Buffer.alloc(1)), 100);
      const { code, reason } = await ann.closed();
      clearInterval(dripping);
      assert.equal(`${code} ${reason}`, "4102 a message was not finished");
      assert.equal((await counters(relay)).get("timeouts_message"), 1);
    });
  });

  test("for the rest of a TLS record, which pins 17 KB until then", async () => {
    await withRelay([...tls, "--message-timeout", "0.5"], async (relay) => {
      const { hostname, port } = new URL(relay.httpUrl("wss"));
      const under = connect(Number(port), hostname).on("error", () => {});
      await once(under, "connect");
      const client = connectTls({ socket: under, rejectUnauthorized: false }).on("error", () => {});
      await once(client, "secureConnect");
      client.write(
        "GET /v1/match/m HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
      await once(client, "data");
      under.write(Buffer.from([0x17, 3, 3, 0x40, 0, 1, 2, 3])); // an honest header of 16 KiB, and little more
      const dripping = setInterval(() => under.write(Buffer.alloc(1)), 100);
      client.resume();
      await once(client, "close");
      clearInterval(dripping);
      const count = await counters(relay);
      assert.equal(count.get("timeouts_message"), 1);
      assert.equal(count.get("connections_open"), 0);
    });
  });

  test("a busy sender whose every read ends inside a message is not taken for a slow one", async () => {
    const args = ["--message-timeout", "0.3", "--messages-per-second", "100000", "--bytes-per-second", "100000000"];
    await withRelay([...anyPort, ...args], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay));
      const raw = (ann.socket as unknown as { _socket: Socket })._socket;
      const frame = Buffer.concat([Buffer.from([0x82, 0x86, 0, 0, 0, 0]), Buffer.from([1, 0, 1, 0, 0, 0])]);
      raw.write(frame.subarray(0, 7));
      const shifted = Buffer.concat([frame.subarray(7), frame.subarray(0, 7)]);
      for (const end = Date.now() + 1200; Date.now() < end; ) {
        raw.write(shifted);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      raw.write(frame.subarray(7));
      assert.equal((await counters(relay)).get("timeouts_message"), 0);
      await ann.close(1000);
    });
  });
});

describe("sizes and rates", () => {
  const cases: [string, string[], (member: TestSocket) => void, number, string][] = [
    ["fragments of one message", ["--max-fragments", "3"], (m) => {
      for (let part = 0; part < 4; part += 1) m.socket.send("x", { fin: false });
    }, 1009, "over_size"],
    ["control messages a second", ["--json-per-second", "2"], (m) => {
      for (let count = 0; count < 4; count += 1) m.socket.send('{"op":"visible","visible":true}');
    }, 4100, "over_json_rate"],
    ["messages a second", ["--messages-per-second", "5"], (m) => {
      for (let count = 0; count < 9; count += 1) m.socket.send(Buffer.from([4]));
    }, 4100, "over_message_rate"],
    ["bytes a second", ["--bytes-per-second", "1024"], (m) => {
      for (let count = 0; count < 3; count += 1) m.socket.send(Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.alloc(500)]));
    }, 4100, "over_byte_rate"],
  ];
  for (const [what, args, act, code, counter] of cases) {
    test(`${what}: ${code}`, async () => {
      await withRelay([...anyPort, ...args], async (relay) => {
        const [member] = await TestSocket.join(urlOf(relay));
        act(member);
        assert.equal((await member.closed()).code, code);
        assert.equal((await counters(relay)).get(counter), 1);
      });
    });
  }

  test("a spectator's messages are as small as the operator wants, and welcome says so: 1009", async () => {
    await withRelay([...anyPort, "--spectator-bytes", "200"], async (relay) => {
      const padded = (size: number): string => '{"op":"visible","visible":true'.padEnd(size - 1) + "}";
      const limitsOf = (welcome: Record<string, unknown>): unknown[] => ["state_bytes", "event_bytes", "json_bytes"].map((name) => (welcome["limits"] as Record<string, number>)[name]);
      const [ann, hers] = await TestSocket.join(urlOf(relay));
      const [eve, its] = await TestSocket.join(urlOf(relay), { role: "spectator" });
      assert.deepEqual([limitsOf(hers), limitsOf(its)], [[1024, 16384, 16384], [200, 200, 200]]);
      ann.socket.send(padded(201));
      eve.socket.send(padded(200));
      eve.socket.send(padded(201));
      assert.equal((await eve.closed()).code, 1009);
      assert.equal((await counters(relay)).get("over_size"), 1);
      await ann.close(1000); // she lives
    });
  });

  test("a request's head as long as the operator wants: 431", async () => {
    await withRelay([...anyPort, "--header-bytes", "16384"], async (relay) => {
      const statusOf = async (size: number): Promise<number> =>
        (await fetch(`${relay.httpUrl()}/nowhere`, { headers: { "x-long": "x".repeat(size) } })).status;
      assert.deepEqual([await statusOf(12_000), await statusOf(16_384)], [404, 431]);
    });
    await withRelay([...anyPort, "--header-bytes", "1024"], async (relay) => {
      const { status } = await fetch(`${relay.httpUrl()}/nowhere`, { headers: { "x-long": "x".repeat(1024) } });
      assert.equal(status, 431);
      const [ann] = await TestSocket.join(urlOf(relay)); // what libraries send is shorter
      await ann.close(1000);
    });
  });

  test("names and nesting as narrow as the operator wants", async () => {
    await withRelay([...anyPort, "--name-bytes", "3", "--json-depth", "4"], async (relay) => {
      const refused = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
      refused.socket.send('{"op":"join","name":"Anna"}');
      assert.equal((await refused.closed()).code, 1008);
      const [ann] = await TestSocket.join(urlOf(relay), { name: "Ann" });
      ann.socket.send('{"op":"properties","id":1,"set":{"a":[[[1]]]}}');
      for (let message = await ann.next(); ; message = await ann.next()) {
        if (typeof message !== "string" || !message.includes('"error"')) continue;
        assert.match(message, /nested too deeply/);
        break;
      }
      await ann.close(1000);
    });
  });
});

describe("what a match may hold", () => {
  test("properties and spectators as few as the operator wants, each refusal counted", async () => {
    await withRelay([...anyPort, "--max-properties", "1", "--properties-bytes", "20", "--max-spectators", "1", "--shards", "1"], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay), { name: "Ann" });
      const answerTo = async (id: number, set: object): Promise<string> => {
        ann.socket.send(JSON.stringify({ op: "properties", id, set }));
        for (;;) {
          const message = await ann.next();
          if (typeof message === "string" && message.includes(`"id":${id}`)) return message;
        }
      };
      assert.match(await answerTo(1, { a: 1, b: 2 }), /"too_large"/);
      assert.match(await answerTo(2, { a: "x".repeat(30) }), /"too_large"/);
      assert.match(await answerTo(3, { a: 1 }), /"ok"/);
      const [first] = await TestSocket.join(urlOf(relay), { role: "spectator" });
      const second = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
      second.socket.send('{"op":"join","role":"spectator"}');
      assert.equal((await second.closed()).code, 4001);
      assert.equal((await counters(relay)).get("errors"), 2);
      for (const member of [ann, first]) await member.close(1000);
    });
  });
});
