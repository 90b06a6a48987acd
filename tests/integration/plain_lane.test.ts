/** The plain lane: any WebSocket client takes part without a line of ours (protocol.md, section 6). */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCertificate } from "./certificate.ts";
import { Relay, withRelay } from "./relay.ts";
import { refusedWith, TestSocket } from "./web_socket.ts";

for (const scheme of ["ws", "wss"] as const) {
  describe(`plain lane over ${scheme}`, () => {
    let relay: Relay;
    before(async () => {
      const { certificate, key } = makeCertificate();
      relay = await Relay.start(
        ...["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--shards", "2"],
        ...["--certificate", certificate, "--key", key],
      );
    });
    after(() => relay.finish());

    const openThree = async (match: string): Promise<TestSocket[]> => {
      const url = `${relay.url(scheme)}/v1/match/${match}`;
      return [await TestSocket.open(url), await TestSocket.open(url), await TestSocket.open(url)];
    };

    test("text and binary reach all three, the sender included, in order and unchanged", async () => {
      const clients = await openThree(`three-${scheme}`);
      const sent: (string | Buffer)[] = [];
      for (let index = 0; index < 100; ++index) {
        const text = `message ${index} ✓`;
        const bytes = Buffer.from(Array.from({ length: index * 7 }, (_, at) => (at * 31 + index) % 256));
        sent.push(text, bytes);
        clients[0]!.socket.send(text);
        clients[0]!.socket.send(bytes);
      }
      for (const client of clients) {
        for (const message of sent) assert.deepEqual(await client.next(), message);
      }
      for (const client of clients) assert.equal((await client.close(1000)).code, 1000);
    });

    test("all three see the messages of all three in the same order", async () => {
      const clients = await openThree(`order-${scheme}`);
      const count = 30;
      for (let index = 0; index < count; ++index) {
        for (const [from, client] of clients.entries()) client.socket.send(`${from}:${index}`);
      }
      const seen: string[][] = [];
      for (const client of clients) {
        const messages: string[] = [];
        while (messages.length < 3 * count) messages.push(String(await client.next()));
        seen.push(messages);
      }
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
      for (const from of [0, 1, 2]) {
        const own = seen[0]!.filter((message) => message.startsWith(`${from}:`));
        assert.deepEqual(own, Array.from({ length: count }, (_, index) => `${from}:${index}`));
      }
      for (const client of clients) await client.close(1000);
    });

    test("empty messages and the largest one arrive too, and one byte more closes with 1009", async () => {
      const [sender, receiver, third] = await openThree(`sizes-${scheme}`);
      const largest = Buffer.alloc(16_384, 7);
      for (const message of ["", Buffer.alloc(0), largest]) {
        sender!.socket.send(message);
        assert.deepEqual(await receiver!.next(), message);
      }
      sender!.socket.send(Buffer.alloc(16_385));
      assert.equal((await sender!.closed()).code, 1009);
      third!.socket.send("still here");
      assert.equal(await receiver!.next(), "still here");
      await receiver!.close(1000);
      await third!.close(1000);
    });

    test("a message cut into fragments arrives whole", async () => {
      const [sender, receiver, third] = await openThree(`fragments-${scheme}`);
      sender!.socket.send("one ", { fin: false });
      sender!.socket.ping();
      sender!.socket.send("two ", { fin: false });
      sender!.socket.send("three", { fin: true });
      assert.equal(await receiver!.next(), "one two three");
      for (const client of [sender!, receiver!, third!]) await client.close(1000);
    });

    test("a match is its own room", async () => {
      const [here] = await openThree(`room-a-${scheme}`);
      const [there] = await openThree(`room-b-${scheme}`);
      there!.socket.send("there");
      here!.socket.send("here");
      assert.equal(await here!.next(), "here");
      assert.equal(await there!.next(), "there");
    });
  });
}

describe("with no library at all", () => {
  test("the five lines of any tutorial work as they are", async () => {
    await withRelay(["--listen", "127.0.0.1:0"], async (relay) => {
      const received = await new Promise((resolve, reject) => {
        const socket = new WebSocket(`${relay.url()}/v1/match/tutorial`);
        socket.onopen = () => socket.send("hello");
        socket.onmessage = (event) => {
          resolve(event.data);
          socket.close();
        };
        socket.onerror = reject;
      });
      assert.equal(received, "hello");
    });
  });
});

describe("what is refused before the upgrade", () => {
  test("another subprotocol, a wrong match name, another path, no upgrade", async () => {
    await withRelay(["--listen", "127.0.0.1:0"], async (relay) => {
      assert.equal(await refusedWith(`${relay.url()}/v1/match/m`, ["chat"]), 400);
      assert.equal(await refusedWith(`${relay.url()}/v1/match/${"m".repeat(65)}`), 404);
      assert.equal(await refusedWith(`${relay.url()}/v1/match/a%20b`), 404);
      assert.equal(await refusedWith(`${relay.url()}/v2/match/m`), 404);
      assert.equal(await refusedWith(`${relay.url()}/v1/echo`), 404); // off unless switched on
      assert.equal((await fetch(`${relay.httpUrl()}/v1/match/m`)).status, 426);
      assert.equal((await fetch(`${relay.httpUrl()}/favicon.ico`)).status, 404);
    });
  });
});

describe("echo", () => {
  test("returns text and binary unchanged, up to 16 MiB", async () => {
    await withRelay(["--listen", "127.0.0.1:0", "--echo"], async (relay) => {
      const client = await TestSocket.open(`${relay.url()}/v1/echo`);
      for (const message of ["", "héllo", Buffer.from([0, 1, 255]), Buffer.alloc(16 * 1024 * 1024, 5)]) {
        const begin = performance.now();
        client.socket.send(message);
        assert.deepEqual(await client.next(), message);
        // With a send buffer below a segment of loopback's each 32 KiB waits 40 ms for its acknowledgement.
        assert.ok(performance.now() - begin < 5_000, `took ${performance.now() - begin} ms`);
      }
      assert.equal((await client.close(1000)).code, 1000);
    });
  });
});
