/** RFC 6455 section 4: what opens a WebSocket, and all that does not. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { frame, opcode } from "./frames.ts";
import { acceptOf, Peer, type RequestShape, upgradeRequest } from "./peer.ts";
import { useRelay } from "./table.ts";

const relay = useRelay();
const key = "dGhlIHNhbXBsZSBub25jZQ==";

interface Accepted {
  name: string;
  request: RequestShape;
  subprotocol?: string;
}

const accepted: Accepted[] = [
  { name: "4.1 what a browser sends", request: { fields: { Origin: "https://game.example", Connection: "keep-alive, Upgrade" } } },
  { name: "4.1 names of fields in any case", request: { fields: { Upgrade: null, upgrade: "websocket", "Sec-WebSocket-Version": null, "SEC-WEBSOCKET-VERSION": "13" } } },
  { name: "4.2.1 websocket and Upgrade in any case", request: { fields: { Upgrade: "WebSocket", Connection: "uPgRaDe" } } },
  { name: "4.2.1 Upgrade as one of several", request: { fields: { Connection: "keep-alive , Upgrade,, x" } } },
  { name: "4.2.1 white space around a value", request: { fields: { "Sec-WebSocket-Version": "  13\t" } } },
  { name: "9.1 extensions are declined by silence", request: { fields: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" } } },
  { name: "9.1 an extension that nobody knows", request: { fields: { "Sec-WebSocket-Extensions": "x-no-such-thing; a=1, other" } } },
  { name: "1.9 the subprotocol that is spoken here", request: { fields: { "Sec-WebSocket-Protocol": "tickwire.v1" } }, subprotocol: "tickwire.v1" },
  { name: "4.2.2 one of several subprotocols, and no other", request: { fields: { "Sec-WebSocket-Protocol": "chat, tickwire.v1, superchat" } }, subprotocol: "tickwire.v1" },
  { name: "4.1 a query", request: { path: "/v1/echo?case=1&agent=somebody" } },
];

describe("good requests", { concurrency: 8 }, () => {
  for (const { name, request, subprotocol } of accepted) {
    for (const scheme of ["ws", "wss"] as const) {
      test(`${name}, ${scheme}`, async () => {
        const peer = await Peer.connect(relay.url(scheme));
        peer.send(upgradeRequest({ ...request, key }));
        const { fields } = await peer.upgraded(key);
        assert.equal(fields.get("sec-websocket-protocol"), subprotocol);
        peer.send(frame(opcode.text, "hello"));
        assert.equal((await peer.frame()).payload.toString(), "hello");
        await peer.close();
      });
    }
  }

  test("1.3 the key of the RFC's own example", () => {
    assert.equal(acceptOf(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });
});

interface Refused {
  name: string;
  request: RequestShape | string;
  status: number;
  /** The connection goes on after it: the client may ask better. */
  staysOpen?: boolean;
}

const good = upgradeRequest({ key });
const without = (field: string): RequestShape => ({ key, fields: { [field]: null } });
const withField = (field: string, value: string): RequestShape => ({ key, fields: { [field]: value } });
const twice = (field: string, value: string): string => good.replace("\r\n\r\n", `\r\n${field}: ${value}\r\n\r\n`);

const refused: Refused[] = [
  // 4.2.1: the parts of a request, each missing or wrong.
  { name: "4.2.1 item 1: POST", request: good.replace("GET", "POST"), status: 405 },
  { name: "4.2.1 item 1: HEAD", request: good.replace("GET", "HEAD"), status: 426, staysOpen: true },
  { name: "4.2.1 item 1: HTTP/1.0", request: good.replace("HTTP/1.1", "HTTP/1.0"), status: 426 },
  { name: "4.2.1 item 1: HTTP/2.0", request: good.replace("HTTP/1.1", "HTTP/2.0"), status: 505 },
  { name: "4.2.1 item 2: no Host", request: without("Host"), status: 400 },
  { name: "4.2.1 item 2: two Hosts", request: twice("Host", "other.example"), status: 400 },
  { name: "4.2.1 item 3: no Upgrade", request: without("Upgrade"), status: 426, staysOpen: true },
  { name: "4.2.1 item 3: another Upgrade", request: withField("Upgrade", "h2c"), status: 426, staysOpen: true },
  { name: "4.2.1 item 3: Upgrade that merely contains it", request: withField("Upgrade", "websockets"), status: 426, staysOpen: true },
  { name: "4.2.1 item 4: no Connection", request: without("Connection"), status: 426, staysOpen: true },
  { name: "4.2.1 item 4: another Connection", request: withField("Connection", "keep-alive"), status: 426, staysOpen: true },
  { name: "4.2.1 item 5: no key", request: without("Sec-WebSocket-Key"), status: 400, staysOpen: true },
  { name: "4.2.1 item 5: an empty key", request: withField("Sec-WebSocket-Key", ""), status: 400 },
  { name: "4.2.1 item 5: a key of 15 bytes", request: withField("Sec-WebSocket-Key", randomBytes(15).toString("base64")), status: 400 },
  { name: "4.2.1 item 5: a key of 17 bytes", request: withField("Sec-WebSocket-Key", randomBytes(17).toString("base64")), status: 400 },
  { name: "4.2.1 item 5: a key that is not base64", request: withField("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!=="), status: 400 },
  { name: "11.3.1 two keys", request: twice("Sec-WebSocket-Key", key), status: 400 },
  { name: "4.4 no version", request: without("Sec-WebSocket-Version"), status: 426, staysOpen: true },
  { name: "4.4 version 0", request: withField("Sec-WebSocket-Version", "0"), status: 426, staysOpen: true },
  { name: "4.4 version 8, of an old draft", request: withField("Sec-WebSocket-Version", "8"), status: 426, staysOpen: true },
  { name: "4.4 version 14", request: withField("Sec-WebSocket-Version", "14"), status: 426, staysOpen: true },
  { name: "4.4 version 013", request: withField("Sec-WebSocket-Version", "013"), status: 426, staysOpen: true },
  { name: "11.3.5 two versions", request: twice("Sec-WebSocket-Version", "8"), status: 400 },
  { name: "4.2.2 subprotocols without ours", request: withField("Sec-WebSocket-Protocol", "chat"), status: 400, staysOpen: true },
  { name: "1.9 a subprotocol in another case", request: withField("Sec-WebSocket-Protocol", "TickWire.v1"), status: 400, staysOpen: true },
  { name: "4.1 a subprotocol that is no token", request: withField("Sec-WebSocket-Protocol", "tickwire.v1, a b"), status: 400 },
  { name: "4.2.2 a path that is none", request: { key, path: "/v1/nothing" }, status: 404, staysOpen: true },
  { name: "4.2.2 a match name that is none", request: { key, path: "/v1/match/a%20b" }, status: 404, staysOpen: true },
  // RFC 9112: heads in which two readers could see different requests.
  { name: "RFC 9112 2.2 a bare LF", request: good.replace("\r\n", "\n"), status: 400 },
  { name: "RFC 9112 2.2 a bare CR", request: good.replace("Upgrade: ", "Upgrade: \r"), status: 400 },
  { name: "RFC 9112 5.1 space before the colon", request: good.replace("Upgrade:", "Upgrade :"), status: 400 },
  { name: "RFC 9112 5.2 a folded line", request: good.replace("Upgrade: websocket", "Upgrade:\r\n websocket"), status: 400 },
  { name: "RFC 9112 3.2 an absolute target", request: good.replace("/v1/echo", "http://relay.example/v1/echo"), status: 400 },
  { name: "RFC 9112 3 two spaces", request: good.replace("GET ", "GET  "), status: 400 },
  { name: "RFC 9112 3 no version", request: good.replace(" HTTP/1.1", ""), status: 400 },
  { name: "RFC 9112 6.1 chunked", request: twice("Transfer-Encoding", "chunked"), status: 400 },
  { name: "RFC 9112 6.2 a body", request: twice("Content-Length", "5"), status: 400 },
  { name: "RFC 9110 5.5 NUL in a value", request: good.replace("relay.example", "relay\0example"), status: 400 },
  { name: "a TLS hello in the clear", request: "\x16\x03\x01\x02\x00\x01", status: 400 },
  { name: "a head over 8 KiB", request: twice("X-Long", "x".repeat(9000)), status: 431 },
  { name: "a line over 8 KiB that never ends", request: good.replace("/v1/echo", `/${"x".repeat(9000)}`).slice(0, 8900), status: 431 },
  { name: "fields without end", request: `GET /v1/echo HTTP/1.1\r\n${"a: b\r\n".repeat(1000)}`, status: 431 },
];

describe("refusals", { concurrency: 8 }, () => {
  for (const { name, request, status, staysOpen = false } of refused) {
    test(name, async () => {
      const peer = await Peer.connect(relay.url());
      const text = typeof request === "string" ? request : upgradeRequest(request);
      peer.send(Buffer.from(text, "latin1"));
      const answer = await peer.response(text.startsWith("HEAD"));
      assert.equal(answer.status, status);
      if (status === 426) assert.equal(answer.fields.get("sec-websocket-version"), "13", "4.4");
      if (staysOpen) {
        // "The client may ask again" (4.4): on the same connection, where the request could be read.
        peer.send(good);
        await peer.upgraded(key);
        await peer.close();
      } else {
        assert.equal(answer.fields.get("connection")?.split(", ").includes("close"), true);
        await peer.ended();
      }
    });
  }

  test("a refused head of 64 KiB is answered before the connection ends", async () => {
    const peer = await Peer.connect(relay.url());
    // More than the relay reads before it refuses: closing on it at once would reset the answer away.
    peer.send(`GET /v1/echo HTTP/1.1\r\n${`X-Long: ${"y".repeat(1000)}\r\n`.repeat(64)}`);
    assert.equal((await peer.response()).status, 431);
    await peer.ended();
  });
});

describe("bytes around the handshake", { concurrency: 8 }, () => {
  for (const scheme of ["ws", "wss"] as const) {
    test(`4.2.2 frames that come with the request are answered after the 101, ${scheme}`, async () => {
      const peer = await Peer.connect(relay.url(scheme));
      const frames = [frame(opcode.text, "one"), frame(opcode.ping, "p"), frame(opcode.binary, "two")];
      peer.send(Buffer.concat([Buffer.from(upgradeRequest({ key })), ...frames]));
      await peer.upgraded(key);
      assert.equal((await peer.frame()).payload.toString(), "one");
      assert.equal((await peer.frame()).opcode, opcode.pong);
      assert.equal((await peer.frame()).payload.toString(), "two");
      await peer.close();
    });

    test(`4.1 a client that sends before it has the answer, ${scheme}`, async () => {
      const peer = await Peer.connect(relay.url(scheme));
      peer.send(upgradeRequest({ key }));
      for (let count = 0; count < 20; ++count) {
        peer.send(frame(opcode.text, `early ${count}`));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await peer.upgraded(key);
      for (let count = 0; count < 20; ++count) {
        assert.equal((await peer.frame()).payload.toString(), `early ${count}`);
      }
      await peer.close();
    });
  }

  test("a request in pieces of one byte", async () => {
    const peer = await Peer.connect(relay.url());
    await peer.sendPieces([...Buffer.from(upgradeRequest({ key }))].map((byte) => Buffer.from([byte])));
    await peer.upgraded(key);
    await peer.close();
  });

  test("the request and a frame, cut at every byte", async () => {
    const bytes = Buffer.concat([Buffer.from(upgradeRequest({ key })), frame(opcode.text, "joined")]);
    const cuts = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
    const one = async (cut: number): Promise<void> => {
      const peer = await Peer.connect(relay.url());
      await peer.sendPieces([bytes.subarray(0, cut), bytes.subarray(cut)]);
      await peer.upgraded(key);
      assert.equal((await peer.frame()).payload.toString(), "joined", `cut at ${cut}`);
      await peer.close();
    };
    for (let at = 0; at < cuts.length; at += 16) await Promise.all(cuts.slice(at, at + 16).map(one));
  });

  test("7.1.7 a bad frame with the request: the 101, then the close", async () => {
    const peer = await Peer.connect(relay.url());
    peer.send(Buffer.concat([Buffer.from(upgradeRequest({ key })), frame(opcode.text, "x", { masked: false })]));
    await peer.upgraded(key);
    assert.equal((await peer.frame()).payload.readUInt16BE(0), 1002);
    await peer.ended();
  });

  test("a client that ends before it has asked harms nobody", async () => {
    const peer = await Peer.connect(relay.url());
    peer.send(upgradeRequest({ key }).slice(0, 40));
    peer.finish();
    await peer.ended();
    await (await Peer.open(relay.url())).close();
  });
});
