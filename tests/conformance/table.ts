/**
 * Runs tables of cases against the echo of a real relay: every case over `ws`, and a sample of them over
 * `wss`. A case says what is sent, what must come back, and how it ends; its name begins with the section
 * of RFC 6455 that it holds the relay to.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCertificate } from "../integration/certificate.ts";
import { Relay } from "../integration/relay.ts";
import { bytesOf, opcode, type Payload } from "./frames.ts";
import { Peer } from "./peer.ts";

/** A frame that must come: opcode and payload. */
export type Answer = [number, Payload];

export interface Case {
  name: string;
  /** What is sent, in order; a list stands for pieces, each sent by itself. */
  send: (Buffer | Buffer[])[];
  /** Frames that must come before the end, in order and without any other. */
  answers?: Answer[];
  /** The code that the relay closes with by itself. Without it the connection lives, and we close it. */
  fails?: number;
  /** We have closed, as part of `send`: the relay answers with this payload. */
  closes?: Payload;
}

export const echoOf = (code: number, payload: Payload): Answer => [code, payload];

/** Over TLS each seventh case is enough: what is above TLS cannot tell. */
const sampleStep = 7;

let relay: Relay;
/** How long it took from the relay's close frame to its FIN, where it failed the connection. */
const endingsMs: number[] = [];

/** One relay for all tables of a file, up before the first and ended well after the last. */
export function useRelay(...options: string[]): { url(scheme?: "ws" | "wss"): string } {
  before(async () => {
    const { certificate, key } = makeCertificate();
    const tls = ["--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key];
    relay = await Relay.start("--listen", "127.0.0.1:0", ...tls, "--echo", ...options);
  });
  after(async () => {
    await relay.finish();
    // Section 7.1.7: it fails the connection, and does not wait for an answer to its close; clients that allow
    // it a second would be the first to end it. The median, so that a busy machine does not matter.
    const median = endingsMs.sort((left, right) => left - right)[endingsMs.length >> 1] ?? 0;
    assert.ok(median < 1000, `half of the failed connections took over ${median} ms to end`);
  });
  return { url: (scheme = "ws") => relay.url(scheme) };
}

export function table(title: string, cases: Case[]): void {
  describe(title, { concurrency: 8 }, () => {
    cases.forEach((row, index) => {
      test(row.name, async () => runCase("ws", row));
      if (index % sampleStep === 0) test(`${row.name}, over TLS`, async () => runCase("wss", row));
    });
  });
}

async function runCase(scheme: "ws" | "wss", row: Case): Promise<void> {
  const peer = await Peer.open(relay.url(scheme));
  try {
    for (const part of row.send) {
      if (Array.isArray(part)) await peer.sendPieces(part);
      else peer.send(part);
    }
    for (const [index, [code, payload]] of (row.answers ?? []).entries()) {
      const answer = await peer.frame();
      assert.equal(answer.opcode, code, `opcode of answer ${index}`);
      // Not deepEqual: over 16 MiB its message would be the whole difference.
      assert.ok(answer.payload.equals(bytesOf(payload)), `payload of answer ${index}`);
    }
    if (row.fails !== undefined) {
      const answer = await peer.frame();
      assert.equal(answer.opcode, opcode.close, `a close with ${row.fails}`);
      assert.equal(answer.payload.readUInt16BE(0), row.fails, "the close code");
      // Section 7.1.1: it is the server that ends the TCP connection. Nothing that we do helps it.
      const begin = performance.now();
      await peer.ended();
      endingsMs.push(performance.now() - begin);
    } else if (row.closes !== undefined) {
      const answer = await peer.frame();
      assert.equal(answer.opcode, opcode.close, "an answer to our close");
      assert.equal(answer.payload.toString("hex"), bytesOf(row.closes).toString("hex"), "its payload");
      await peer.ended();
    } else {
      await peer.close();
    }
  } finally {
    peer.destroy();
  }
}
