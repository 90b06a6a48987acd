/** Who may connect, and open a match: origins, limits for one address and for the whole relay, a late shard. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { ask, own } from "./admin.ts";
import { counters, rawConnection } from "./probe.ts";
import { type Relay, runToEnd, withRelay } from "./relay.ts";
import { refusedWith, TestSocket } from "./web_socket.ts";

const anyPort = ["--listen", "127.0.0.1:0"];
const urlOf = (relay: Relay): string => `${relay.url()}/v1/match/m`;

/** The status of an upgrade whose headers are these. */
async function statusOf(relay: Relay, headers: string): Promise<number> {
  const socket = await rawConnection(relay);
  socket.write(
    "GET /v1/match/m HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString("latin1"))?.[1]);
}

describe("origins", () => {
  test("without a list every page may connect, and the log says so", async () => {
    await withRelay(anyPort, async (relay) => {
      assert.equal(await statusOf(relay, "Origin: https://anything.test\r\n"), 101);
      assert.match(relay.stderr, /web pages of every origin may connect/);
    });
  });

  test("with a list only those in it, and clients that send none", async () => {
    const list = ["--origins", "https://game.example", "--origins", "https://*.game.example"];
    await withRelay([...anyPort, ...list], async (relay) => {
      assert.equal(await statusOf(relay, "Origin: https://game.example\r\n"), 101);
      assert.equal(await statusOf(relay, "Origin: https://eu.game.example\r\n"), 101);
      assert.equal(await statusOf(relay, ""), 101);
      for (const origin of ["https://game.example.evil.test", "http://game.example", "null"]) {
        assert.equal(await statusOf(relay, `Origin: ${origin}\r\n`), 403, origin);
      }
      assert.equal((await counters(relay)).get("origins_refused"), 3);
      assert.doesNotMatch(relay.stderr, /every origin/);
    });
  });

  test("an option refuses clients that send none", async () => {
    await withRelay([...anyPort, "--origins", "https://game.example", "--origin-required"], async (relay) => {
      assert.equal(await statusOf(relay, ""), 403);
      assert.equal(await statusOf(relay, "Origin: https://game.example\r\n"), 101);
    });
  });

  test("what is no origin stops the start", () => {
    const { code, stderr } = runToEnd("serve", ...anyPort, "--origins", "game.example");
    assert.equal(code, 2);
    assert.match(stderr, /'game.example' is not an origin: https:\/\/game.example/);
  });
});

describe("limits for one address", () => {
  test("hold for loopback where that is asked for: 503 over them, and room again when one goes", async () => {
    const args = ["--limit-loopback", "--max-connections-per-address", "3", "--connects-per-address", "0"];
    await withRelay([...anyPort, ...args, "--shards", "2"], async (relay) => {
      const open: TestSocket[] = [];
      for (let count = 0; count < 3; count += 1) open.push((await TestSocket.join(urlOf(relay)))[0]);
      assert.equal(await refusedWith(urlOf(relay)), 503);
      const count = await counters(relay);
      assert.equal(count.get("refused_address_count"), 1);
      await open[0]?.close(1000);
      for (let tries = 0; ; tries += 1) {
        if ((await statusOf(relay, "Sec-WebSocket-Protocol: tickwire.v1\r\n")) === 101) break;
        assert.ok(tries < 100, "there is no room again");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      for (const client of open.slice(1)) await client.close(1000);
    });
  });

  test("do not hold for loopback otherwise", async () => {
    await withRelay([...anyPort, "--max-connections-per-address", "1"], async (relay) => {
      for (let count = 0; count < 5; count += 1) assert.equal(await statusOf(relay, ""), 101);
    });
  });

  test("new connections a second: those over the rate are refused", async () => {
    const args = ["--limit-loopback", "--connects-per-address", "5"];
    await withRelay([...anyPort, ...args], async (relay) => {
      const statuses: number[] = [];
      for (let count = 0; count < 5; count += 1) statuses.push(await statusOf(relay, ""));
      const burst = await Promise.all(Array.from({ length: 40 }, () => statusOf(relay, "").catch(() => 0)));
      assert.ok(burst.filter((status) => status === 503).length > 0, burst.join(" "));
      assert.ok(statuses.every((status) => status === 101), statuses.join(" "));
      assert.ok(((await counters(relay)).get("refused_address_rate") ?? 0) > 0);
    });
  });

  /** A match ends at the tick after its last member left. */
  const untilThereIsRoom = async <Value>(attempt: () => Promise<Value | null>): Promise<Value> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const value = await attempt();
      if (value !== null) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail("there is no room");
  };
  const joined = async (url: string): Promise<TestSocket | null> => {
    const [member, welcome] = await TestSocket.join(url).catch(() => [null, null] as const);
    return welcome?.["op"] === "welcome" ? member : null;
  };

  test("matches that one address has opened: 1013 over them, and room again when one ends", async () => {
    const args = ["--limit-loopback", "--max-matches-per-address", "2"];
    await withRelay([...anyPort, ...args, "--shards", "2"], async (relay) => {
      const match = (name: string): string => `${relay.url()}/v1/match/${name}`;
      const refused = async (): Promise<string> => {
        const client = await TestSocket.open(match("third"), ["tickwire.v1"]);
        client.socket.send(JSON.stringify({ op: "join" }));
        const { code, reason } = await client.closed();
        return `${code} ${reason}`;
      };
      const [ann] = await TestSocket.join(match("first"));
      const [bo] = await TestSocket.join(match("second"));
      const [eve] = await TestSocket.join(match("first")); // it is there already
      assert.equal(await refused(), "1013 too many matches of this address");
      assert.equal((await counters(relay)).get("refused_address_matches"), 1);
      await relay.logged(/cause=address_matches .*peer=127\.0\.0\.1 code=1013/);
      await bo.close(1000);
      await (await untilThereIsRoom(() => joined(match("third")))).close(1000);
      for (const member of [ann, eve]) await member.close(1000);
    });
  });

  test("a match that did not open after all is nobody's", async () => {
    const args = ["--limit-loopback", "--max-matches-per-address", "1", "--max-spectators", "0", "--shards", "2"];
    await withRelay([...anyPort, ...args], async (relay) => {
      for (const name of ["a", "b", "c"]) {
        await untilThereIsRoom(async () => {
          const spectator = await TestSocket.open(`${relay.url()}/v1/match/${name}`, ["tickwire.v1"]);
          spectator.socket.send(JSON.stringify({ op: "join", role: "spectator" }));
          return (await spectator.closed()).code === 4001 ? spectator : null;
        });
      }
      await (await untilThereIsRoom(() => joined(`${relay.url()}/v1/match/d`))).close(1000);
    });
  });

  test("behind a trusted proxy they hold for whom it names", async () => {
    const args = ["--limit-loopback", "--trusted-proxies", "127.0.0.0/8", "--max-connections-per-address", "1"];
    await withRelay([...anyPort, ...args], async (relay) => {
      const behind = async (forwarded: string): Promise<[number, Socket]> => {
        const socket = await rawConnection(relay);
        socket.write(
          "GET /v1/match/m HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-Forwarded-For: ${forwarded}\r\n\r\n`,
        );
        const [answer] = (await once(socket, "data")) as [Buffer];
        return [Number(answer.toString("latin1").slice(9, 12)), socket];
      };
      const open: Socket[] = [];
      const expectStatus = async (forwarded: string, wanted: number): Promise<void> => {
        const [status, socket] = await behind(forwarded);
        open.push(socket);
        assert.equal(status, wanted, forwarded);
      };
      await expectStatus("203.0.113.7", 101);
      await expectStatus("203.0.113.7", 503);
      await expectStatus("203.0.113.9, 203.0.113.7", 503); // the client wrote the first
      await expectStatus("203.0.113.8", 101);
      await expectStatus("2001:db8:1:2::1", 101);
      await expectStatus("2001:db8:1:2:ffff::2", 503); // the same /64
      await expectStatus("2001:db8:1:3::1", 101);
      for (const socket of open) socket.destroy();
    });
  });

  test("a range that is none stops the start", () => {
    const { code, stderr } = runToEnd("serve", ...anyPort, "--trusted-proxies", "10.0.0.0/33");
    assert.equal(code, 2);
    assert.match(stderr, /neither an address nor a range/);
  });
});

describe("limits of the whole relay", () => {
  test("one connection too many: 503", async () => {
    await withRelay([...anyPort, "--max-connections", "2"], async (relay) => {
      const open = [await TestSocket.join(urlOf(relay)), await TestSocket.join(urlOf(relay))];
      assert.equal(await refusedWith(urlOf(relay)), 503);
      assert.equal((await counters(relay)).get("refused_connections"), 1);
      await relay.logged(/cause=connections_full/);
      for (const [member] of open) await member.close(1000);
    });
  });

  test("one match too many: 503, and its members go on getting in", async () => {
    await withRelay([...anyPort, "--max-matches", "1"], async (relay) => {
      const match = (name: string): string => `${relay.url()}/v1/match/${name}`;
      const [ann] = await TestSocket.join(match("first"));
      assert.equal(await refusedWith(match("other"), ["tickwire.v1"]), 503);
      const [bo, welcome] = await TestSocket.join(match("first"));
      assert.equal(welcome["op"], "welcome");
      assert.equal((await counters(relay)).get("refused_matches"), 1);
      await relay.logged(/cause=matches_full .*match=other .*code=503/);
      for (const member of [ann, bo]) await member.close(1000);
    });
  });
});

describe("a shard that is late by its own work", () => {
  test("sheds nothing where the operator allows that all of its slots are late", async () => {
    const args = ["--shards", "1", "--admin-listen", "127.0.0.1:0", "--admin-debug", "--late-slots", "1000"];
    await withRelay([...anyPort, ...args], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay));
      const burden = "/v1/debug/burden?shard=0&seconds=5&ms=8";
      assert.equal((await ask(relay.adminUrl(), burden, { method: "POST", headers: own })).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const count = await counters(relay);
      assert.equal(count.get("pressure_level"), 0);
      assert.ok((count.get("ticks_late") ?? 0) > 20, `only ${count.get("ticks_late")} ticks were late`);
      await ann.close(1000);
    });
  });

  test("slows spectators down first, then takes no new match and says when to ask again; old ones go on", async (t) => {
    const args = ["--shards", "1", "--admin-listen", "127.0.0.1:0", "--admin-debug"];
    await withRelay([...anyPort, ...args], async (relay) => {
      const match = (name: string): string => `${relay.url()}/v1/match/${name}`;
      const [ann] = await TestSocket.join(match("old"));
      const [viewer] = await TestSocket.join(match("old"), { role: "spectator" });
      const burden = "/v1/debug/burden?shard=0&seconds=20&ms=8";
      assert.equal((await ask(relay.adminUrl(), burden, { method: "POST", headers: own })).status, 200);
      const end = Date.now() + 19_000;
      // Two late seconds: half the ticks after the first, a quarter after the second.
      const divisors: number[] = [];
      while (divisors.at(-1) !== 4) {
        const message = await Promise.race([
          viewer.next(),
          new Promise<null>((resolve) => setTimeout(resolve, Math.max(0, end - Date.now()), null).unref()),
        ]);
        // It is late by others' work too where they have the CPU: that is not judged.
        if (message === null) return t.skip(`others have the CPU: it only got as far as ${divisors}`);
        if (typeof message !== "string") continue;
        const told = JSON.parse(message) as Record<string, unknown>;
        if (told["op"] !== "rate") continue;
        if (told["reason"] === "recovered") return t.skip("others have the CPU: it is not late by its own work");
        assert.equal(told["reason"], "slow");
        divisors.push(told["divisor"] as number);
        if (told["divisor"] === 2) await (await TestSocket.join(match("not-yet")))[0].close(1000);
      }
      assert.deepEqual(divisors, [2, 4]);
      const refused = await TestSocket.open(match("new"), ["tickwire.v1"]);
      refused.socket.send('{"op":"join"}');
      const { code, reason } = await refused.closed();
      assert.equal(code, 1013);
      assert.match(reason, /try again in \d+ seconds/);
      const [bo, welcome] = await TestSocket.join(match("old"));
      assert.equal(welcome["op"], "welcome");
      const count = await counters(relay);
      assert.equal(count.get("refused_late"), 1);
      assert.ok((count.get("pressure_level") ?? 0) >= 2);
      await relay.logged(/warning shard is overloaded cause=shard_late shard=0 detail="spectators get every 2nd tick"/);
      await relay.logged(/cause=shard_late .*no match may open/);
      await relay.logged(/cause=match_refused_late shard=0 match=new peer=127\.0\.0\.1 code=1013/);
      for (const client of [ann, bo, viewer]) await client.close(1000);
    });
  });
});
